//! Keeps the component registered for as long as a session lasts, and ends the registration when it stops.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::payloads::{self, Notice, Profile};
use super::registrar::{Adoption, Registrar, Step};
use super::rest::Rest;
use crate::broker::{Access, Delivery, Error, Event, Link, Stop};
use crate::health::HealthFile;
use crate::name::ComponentId;

/// How often the MOV is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often it is asked over HTTP whether it knows us.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Notices that waited from an earlier time come at once; after such a silence there are none.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a stop waits for a notice that is on its way: unheard of, the registration would stay live for ever.
const LAST_NOTICE: Duration = Duration::from_secs(2);

/// Notices in hand. They are few.
const PREFETCH: u16 = 16;

/// The registration of this process; it outlives the sessions.
pub struct Registration {
    profile: Profile,
    queue: String,
    registrar: Registrar,
    health: HealthFile,
    identity: Identity,
    rest: Option<Rest>,
    shown: Option<Notice>,
}

impl Registration {
    /// The registration of `profile`, whose notices come on `queue`; what the health file tells of earlier runs will be
    /// unregistered. Registers anew after `timeout` without a notice.
    #[must_use]
    pub fn new(
        profile: Profile,
        queue: &str,
        timeout: Duration,
        health: HealthFile,
        identity: Identity,
        rest: Option<Rest>,
    ) -> Self {
        let registrar = Registrar::new(timeout, health.previous());
        Self { profile, queue: queue.to_owned(), registrar, health, identity, rest, shown: None }
    }

    /// Registers, stays so until `stop`, and then unregisters.
    ///
    /// # Errors
    /// When the session is over; [`Error::Taken`] when another process of this name does it already.
    pub fn run(&mut self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        link.declare(&self.queue)?;
        link.consume(&self.queue, Access::Exclusive, PREFETCH)?;
        self.registrar.new_session();
        Round { registration: self, link, unregistering: HashMap::new() }.stay(stop)
    }

    fn adopt(&mut self, notice: Notice) {
        match self.registrar.noticed(&notice.id) {
            Adoption::New => {
                log::info!("registered at the MOV as {}", notice.id);
                // A later notice replaces the earlier one, whose identifier is remembered until it is unregistered.
                self.health.withdraw();
                self.show(notice);
            }
            Adoption::Known => self.show(notice),
            Adoption::Leftover => {
                log::info!("an earlier run left the registration {}; it will be ended", notice.id);
                self.health.remember(notice.id);
            }
        }
    }

    fn show(&mut self, notice: Notice) {
        self.identity.set(Some(notice.id.clone()));
        self.health.show(&notice.whole);
        self.health.forget(&notice.id);
        self.shown = Some(notice);
    }

    /// Keeps the health file and what the other threads know in step with the registrar.
    fn follow(&mut self) {
        let is_shown = self.identity.id().is_some();
        match (self.registrar.id(), is_shown) {
            (None, true) => {
                log::info!("the MOV may have restarted; registering anew");
                self.health.withdraw();
                self.identity.set(None);
                self.shown = None;
            }
            (Some(_), false) if self.registrar.is_live() => {
                if let Some(notice) = self.shown.clone() {
                    self.show(notice);
                }
            }
            _ => {}
        }
    }
}

/// The registration in one session.
struct Round<'r> {
    registration: &'r mut Registration,
    link: &'r mut dyn Link,
    /// What was published to end registrations, and is not confirmed.
    unregistering: HashMap<u64, ComponentId>,
}

impl Round<'_> {
    fn stay(&mut self, stop: &Stop) -> Result<(), Error> {
        self.hear_until_silent(stop)?;
        let mut next_look = Instant::now();
        let mut next_question = Instant::now() + ASK_EVERY;
        while stop.try_recv() != Err(crossbeam_channel::TryRecvError::Disconnected) {
            let now = Instant::now();
            if next_look <= now {
                self.look_for_mov(now)?;
                next_look = now + LOOK_EVERY;
            }
            if next_question <= now {
                self.ask_whether_known(now);
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
        let Registration { registrar, rest, .. } = &mut *self.registration;
        let saw_it_before = registrar.sees_mov();
        registrar.saw_mov(consumers, now);
        if registrar.sees_mov() != saw_it_before {
            log::info!("the MOV is {}", if registrar.sees_mov() == Some(true) { "there" } else { "not there" });
        }
        // Only a MOV that has started answers: no need to wait any longer.
        if registrar.is_settling() && rest.as_ref().is_some_and(Rest::is_ready) {
            registrar.mov_is_settled(now);
        }
        self.registration.follow();
        Ok(())
    }

    fn ask_whether_known(&mut self, now: Instant) {
        let Registration { rest: Some(rest), registrar, .. } = &mut *self.registration else { return };
        if registrar.id().is_some_and(|id| rest.knows(id) == Some(false)) {
            registrar.is_forgotten(now);
            self.registration.follow();
        }
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
        let message = payloads::register(&self.registration.profile, timeout);
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
                        self.registration.health.forget(&id);
                    } else {
                        self.registration.registrar.not_unregistered(&id);
                    }
                }
                Ok(())
            }
        }
    }

    fn hear(&mut self, delivery: &Delivery) -> Result<(), Error> {
        match Notice::parse(&delivery.message.body, &self.registration.profile) {
            Ok(notice) => self.registration.adopt(notice),
            Err(error) => log::error!("ignoring a message on {}: {error}", self.registration.queue),
        }
        self.link.acknowledge_up_to(delivery.tag)
    }

    /// Ends the registration, and returns when the broker has confirmed that. If it never does, the session is cut.
    fn leave(&mut self) -> Result<(), Error> {
        let until = Instant::now() + LAST_NOTICE;
        while self.registration.registrar.awaits_notice() && Instant::now() < until {
            match self.link.poll(true)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(true, None, until.saturating_duration_since(Instant::now())),
            }
        }
        self.link.cancel()?;
        for id in self.registration.registrar.leave() {
            self.unregister(id)?;
        }
        while !self.unregistering.is_empty() {
            match self.link.poll(false)? {
                Some(event) => self.handle(event)?,
                None => self.link.wait(false, None, LOOK_EVERY),
            }
        }
        self.registration.identity.set(None);
        self.registration.health.remove();
        Ok(())
    }
}
