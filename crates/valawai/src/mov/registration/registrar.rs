//! The registrar in one session: carries out what the state decides, and tells it what happens.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Registration;
use super::question::Question;
use super::state::Step;
use crate::broker::backoff::Backoff;
use crate::broker::{Confirm, Delivery, Error, Event, Link};
use crate::mov::notice::Notice;
use crate::mov::payloads;
use crate::mov::rest::Rest;
use crate::name::ComponentId;
use crate::shutdown::Shutdown;

/// How often the MOV is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a MOV that never ran is looked for at the least: the broker notes in its log that the queue is missing.
const LOOK_FOR_MISSING_EVERY: Duration = Duration::from_secs(15);

/// How often it is asked over HTTP whether it knows us.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Notices that waited from an earlier time come at once; after such a silence there are none.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a stop waits for a notice that is on its way: unnoticed, the registration would stay live for ever.
const LAST_NOTICE: Duration = Duration::from_secs(2);

/// The registrar in one session.
pub(super) struct Registrar<'r> {
    registration: &'r mut Registration,
    link: &'r mut dyn Link,
    question: Question,
    /// What was published to end registrations, and is not confirmed.
    unregistering: HashMap<u64, ComponentId>,
    next_look: Instant,
    missing: Backoff,
    next_rest_question: Instant,
    said_ill: bool,
    is_leaving: bool,
}

impl<'r> Registrar<'r> {
    pub(super) fn new(registration: &'r mut Registration, link: &'r mut dyn Link) -> Self {
        let now = Instant::now();
        Self {
            registration,
            link,
            question: Question::default(),
            unregistering: HashMap::new(),
            next_look: now,
            missing: Backoff::new(2 * LOOK_EVERY, LOOK_FOR_MISSING_EVERY),
            next_rest_question: now + ASK_EVERY,
            said_ill: false,
            is_leaving: false,
        }
    }

    pub(super) fn stay(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.hear_until_silent(shutdown)?;
        while !shutdown.is_requested() {
            let now = Instant::now();
            if self.next_look <= now {
                self.look_for_mov(now)?;
            }
            self.look_for_answer()?;
            for step in self.registration.state.due(now) {
                self.take(step)?;
            }
            self.follow()?;
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, Some(shutdown), self.until_next_look()),
            }
        }
        self.leave()
    }

    fn until_next_look(&self) -> Duration {
        let next = self.question.next_look().map_or(self.next_look, |answer| answer.min(self.next_look));
        next.saturating_duration_since(Instant::now()).min(LOOK_EVERY)
    }

    fn hear_until_silent(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut silent_at = Instant::now() + SILENCE;
        while Instant::now() < silent_at {
            match self.link.poll(true)? {
                Some(event) => {
                    self.handle(event)?;
                    silent_at = Instant::now() + SILENCE;
                }
                None => self.link.wait(true, Some(shutdown), silent_at.saturating_duration_since(Instant::now())),
            }
        }
        Ok(())
    }

    /// One question: over HTTP whether the MOV knows us, or else of the broker whether it consumes.
    fn look_for_mov(&mut self, now: Instant) -> Result<(), Error> {
        self.next_look = now + LOOK_EVERY;
        if self.next_rest_question <= now {
            self.next_rest_question = now + ASK_EVERY;
            if self.is_known_over_rest() == Some(false) {
                log::info!("the MOV does not know the component any more");
                self.registration.state.is_forgotten(now);
            }
        }
        let consumers = self.link.consumers(payloads::REGISTER)?;
        if consumers.is_some() {
            self.missing.reset();
        } else {
            self.next_look = now + self.missing.pause();
        }
        let Registration { state, rest, .. } = &mut *self.registration;
        let saw_it_before = state.sees_mov();
        state.saw_mov(consumers, now);
        if state.sees_mov() != saw_it_before {
            log::info!("the MOV is {}", if state.sees_mov() == Some(true) { "up" } else { "down" });
        }
        // Only a MOV that has started answers: no need to wait any longer.
        if state.is_settling() && rest.as_ref().is_some_and(Rest::is_ready) {
            state.mov_is_settled(now);
        }
        self.registration.look_at_broker(self.link, now);
        Ok(())
    }

    fn is_known_over_rest(&self) -> Option<bool> {
        let Registration { state, rest, .. } = &*self.registration;
        rest.as_ref()?.knows(&state.current()?.id)
    }

    fn look_for_answer(&mut self) -> Result<(), Error> {
        let Registration { state, .. } = &mut *self.registration;
        if !state.awaits_answer() {
            self.question.give_up();
        } else if let Some(standing) = self.question.collect(self.link, state.info())? {
            self.answered(standing);
        }
        Ok(())
    }

    fn answered(&mut self, standing: Vec<Notice>) {
        let state = &mut self.registration.state;
        state.answered(standing);
        if let Some(notice) = state.current() {
            log::info!("the MOV knows the component as {}; that registration is kept", notice.id);
        }
    }

    /// Keeps what others see in step with the state.
    fn follow(&mut self) -> Result<(), Error> {
        let Registration { state, identity_queue, written, .. } = &mut *self.registration;
        let current = state.current();
        if written.as_ref() != current.map(|notice| &notice.id) {
            identity_queue.write(self.link, current, state.info())?;
            *written = current.map(|notice| notice.id.clone());
        }
        self.registration.show();
        Ok(())
    }

    fn take(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Ask => self.ask(),
            Step::Register => self.register(),
            Step::Unregister(id) => self.unregister(id),
        }
    }

    fn ask(&mut self) -> Result<(), Error> {
        let Registration { state, rest, .. } = &*self.registration;
        log::debug!("asking the MOV which registrations of {} stand", state.info().name);
        if let Some(standing) = self.question.ask(self.link, rest.as_ref(), state.info())? {
            self.answered(standing);
        }
        Ok(())
    }

    fn register(&mut self) -> Result<(), Error> {
        let Registration { state, rest, .. } = &mut *self.registration;
        if rest.as_ref().and_then(Rest::is_live) == Some(false) {
            if !std::mem::replace(&mut self.said_ill, true) {
                log::warn!("the MOV says that it does not work (/q/health/live); registering waits until it does");
            }
            state.mov_is_ill(Instant::now());
            return Ok(());
        }
        self.said_ill = false;
        log::info!("registering at the MOV");
        let timeout = state.patience().as_millis().try_into().unwrap_or(u32::MAX);
        self.link.publish(&payloads::register(state.info(), timeout)).map(drop)
    }

    fn unregister(&mut self, id: ComponentId) -> Result<(), Error> {
        log::info!("ending the registration {id}");
        let sequence = self.link.publish(&payloads::unregister(&id))?;
        self.unregistering.insert(sequence, id);
        Ok(())
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Delivery(delivery) => self.hear(&delivery),
            Event::Returned(returned) => {
                // No such queue: the MOV has never run here. An end of a registration needs no MOV that forgot it.
                if [payloads::REGISTER, payloads::QUERY].contains(&&*returned.to) {
                    self.registration.state.mov_is_gone();
                }
                Ok(())
            }
            Event::Confirm(confirm) => {
                self.confirmed(confirm);
                Ok(())
            }
        }
    }

    fn confirmed(&mut self, confirm: Confirm) {
        let confirmed = self.unregistering.extract_if(|sequence, _| {
            *sequence == confirm.sequence || (confirm.multiple && *sequence < confirm.sequence)
        });
        for (_, id) in confirmed {
            if confirm.accepted {
                self.registration.state.unregistered(&id);
            } else {
                self.registration.state.not_unregistered(&id);
            }
        }
    }

    fn hear(&mut self, delivery: &Delivery) -> Result<(), Error> {
        let Registration { state, queue, .. } = &mut *self.registration;
        match Notice::parse(&delivery.message.body, state.info()) {
            Ok(notice) if self.is_leaving => state.noticed_while_leaving(notice),
            Ok(notice) => {
                let before = state.current().map(|notice| notice.id.clone());
                state.noticed(notice, Instant::now());
                if let Some(id) = state.current().map(|notice| &notice.id).filter(|id| before.as_ref() != Some(id)) {
                    log::info!("registered at the MOV as {id}");
                }
            }
            Err(error) => log::error!("ignoring a message on {queue}: {error}"),
        }
        self.link.acknowledge_up_to(delivery.tag)
    }

    /// Ends the registration unless other processes go on with it, and returns when the broker has confirmed that. If it
    /// never does, the session is cut.
    fn leave(&mut self) -> Result<(), Error> {
        self.is_leaving = true;
        let until = Instant::now() + LAST_NOTICE;
        while self.registration.state.awaits_notice() && Instant::now() < until {
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, None, until.saturating_duration_since(Instant::now())),
            }
        }
        self.link.cancel()?;
        if self.registration.others_work(self.link)? {
            log::info!("other processes of the component go on; it stays registered");
            return Ok(());
        }
        for id in self.registration.state.leave() {
            self.unregister(id)?;
        }
        while !self.unregistering.is_empty() {
            match self.link.poll(false)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(false, None, LOOK_EVERY),
            }
        }
        self.registration.identity_queue.clear(self.link)
    }
}
