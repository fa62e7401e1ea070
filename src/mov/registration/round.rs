//! The registrar in one session: registers, stays registered, and unregisters.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::Registration;
use super::roll_call::RollCall;
use crate::broker::{Delivery, Error, Event, Link, Stop};
use crate::mov::payloads::{self, Notice};
use crate::mov::registrar::{Adoption, Step};
use crate::mov::rest::Rest;
use crate::name::ComponentId;

/// How often the MOV is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often it is asked over HTTP whether it knows us.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Notices that waited from an earlier time come at once; after such a silence there are none.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a stop waits for a notice that is on its way: unheard of, the registration would stay live for ever.
const LAST_NOTICE: Duration = Duration::from_secs(2);

/// The registration in one session.
pub(super) struct Round<'r> {
    registration: &'r mut Registration,
    link: &'r mut dyn Link,
    /// What was published to end registrations, and is not confirmed.
    unregistering: HashMap<u64, ComponentId>,
    roll_call: RollCall,
}

impl<'r> Round<'r> {
    pub(super) fn new(registration: &'r mut Registration, link: &'r mut dyn Link) -> Self {
        Self { registration, link, unregistering: HashMap::new(), roll_call: RollCall::Done }
    }

    pub(super) fn stay(&mut self, stop: &Stop) -> Result<(), Error> {
        self.hear_until_silent(stop)?;
        let mut next_look = Instant::now();
        let mut next_question = Instant::now() + ASK_EVERY;
        while stop.try_recv() != Err(crossbeam_channel::TryRecvError::Disconnected) {
            let now = Instant::now();
            if next_look <= now {
                self.look_for_mov(now)?;
                self.registration.look_at_broker(self.link, now);
                self.roll_call = std::mem::take(&mut self.roll_call).go_on(self.registration, self.link)?;
                next_look = now + LOOK_EVERY;
            }
            if next_question <= now {
                self.ask_whether_known(now)?;
                next_question = now + ASK_EVERY;
            }
            for step in self.registration.registrar.due(now) {
                self.take(step)?;
            }
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, Some(stop), next_look.saturating_duration_since(Instant::now())),
            }
        }
        self.leave()
    }

    fn hear_until_silent(&mut self, stop: &Stop) -> Result<(), Error> {
        let mut silent_at = Instant::now() + SILENCE;
        while Instant::now() < silent_at {
            match self.link.poll(true)? {
                Some(event) => {
                    self.handle(event)?;
                    silent_at = Instant::now() + SILENCE;
                }
                None => self.link.wait(true, Some(stop), silent_at.saturating_duration_since(Instant::now())),
            }
        }
        Ok(())
    }

    fn look_for_mov(&mut self, now: Instant) -> Result<(), Error> {
        let consumers = self.link.consumers(payloads::REGISTER)?;
        let Registration { registrar, options, .. } = &mut *self.registration;
        let saw_it_before = registrar.sees_mov();
        registrar.saw_mov(consumers, now);
        if registrar.sees_mov() != saw_it_before {
            log::info!("the MOV is {}", if registrar.sees_mov() == Some(true) { "there" } else { "not there" });
        }
        // Only a MOV that has started answers: no need to wait any longer.
        if registrar.is_settling() && options.rest.as_ref().is_some_and(Rest::is_ready) {
            registrar.mov_is_settled(now);
        }
        self.follow()
    }

    /// Keeps the health file and what the other processes know in step with the registrar.
    fn follow(&mut self) -> Result<(), Error> {
        let Registration { registrar, board, shown, .. } = &mut *self.registration;
        if registrar.id().is_none() && shown.take().is_some() {
            log::info!("the MOV may have restarted; registering anew");
            board.clear(self.link)?;
            self.registration.conceal();
        }
        let is_live = self.registration.registrar.is_live() && !self.registration.is_stuck();
        match (self.registration.shown.clone(), self.registration.is_shown()) {
            (Some(notice), false) if is_live => self.registration.show(notice),
            _ => {}
        }
        Ok(())
    }

    fn ask_whether_known(&mut self, now: Instant) -> Result<(), Error> {
        let Registration { options, registrar, .. } = &mut *self.registration;
        let Some(rest) = &options.rest else { return Ok(()) };
        if registrar.id().is_some_and(|id| rest.knows(id) == Some(false)) {
            registrar.is_forgotten(now);
            self.follow()?;
        }
        Ok(())
    }

    fn take(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Register => self.register(),
            Step::Unregister(id) => self.unregister(id),
        }
    }

    fn register(&mut self) -> Result<(), Error> {
        let registrar = &self.registration.registrar;
        if registrar.asked() > 1 {
            log::warn!("the MOV has not answered the registration; trying again (its own log tells if it refused it)");
        } else {
            log::info!("registering at the MOV");
        }
        let timeout = registrar.timeout().as_millis().try_into().unwrap_or(u32::MAX);
        let message = payloads::register(&self.registration.options.profile, timeout);
        self.link.publish(&message).map(drop)
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
                if returned.to == payloads::REGISTER {
                    self.registration.registrar.mov_is_gone();
                }
                Ok(())
            }
            Event::Confirm(confirm) => {
                let confirmed = self.unregistering.extract_if(|sequence, _| {
                    *sequence == confirm.sequence || (confirm.multiple && *sequence < confirm.sequence)
                });
                for (_, id) in confirmed {
                    if confirm.accepted {
                        self.registration.registrar.unregistered(&id);
                        self.registration.options.health.forget(&id);
                    } else {
                        self.registration.registrar.not_unregistered(&id);
                    }
                }
                Ok(())
            }
        }
    }

    fn hear(&mut self, delivery: &Delivery) -> Result<(), Error> {
        match Notice::parse(&delivery.message.body, &self.registration.options.profile) {
            Ok(notice) => self.adopt(&notice)?,
            Err(error) => log::error!("ignoring a message on {}: {error}", self.registration.options.queue),
        }
        self.link.acknowledge_up_to(delivery.tag)
    }

    fn adopt(&mut self, notice: &Notice) -> Result<(), Error> {
        if self.registration.adopt(notice.clone()) == Adoption::New {
            self.registration.board.write(self.link, notice)?;
            self.roll_call = RollCall::soon();
        }
        Ok(())
    }

    /// Ends the registration unless other processes go on with it, and returns when the broker has confirmed that. If it never does, the session is cut.
    fn leave(&mut self) -> Result<(), Error> {
        let until = Instant::now() + LAST_NOTICE;
        while self.registration.registrar.awaits_notice() && Instant::now() < until {
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, None, until.saturating_duration_since(Instant::now())),
            }
        }
        self.link.cancel()?;
        if self.registration.others_work(self.link)? {
            log::info!("other processes of the component go on; it stays registered");
            self.registration.hide();
            return Ok(());
        }
        for id in self.registration.registrar.leave() {
            self.unregister(id)?;
        }
        while !self.unregistering.is_empty() {
            match self.link.poll(false)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(false, None, LOOK_EVERY),
            }
        }
        self.registration.board.clear(self.link)?;
        self.registration.hide();
        Ok(())
    }
}
