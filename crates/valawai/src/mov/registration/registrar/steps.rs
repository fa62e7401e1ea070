//! Carries out the steps that the state decides, and publishes their results.

use super::super::state::Step;
use super::super::{Recorded, Registration};
use super::RegistrarLoop;
use crate::broker::Error;
use crate::clock;
use crate::mov::notice::Notice;
use crate::mov::payloads;
use crate::mov::rest::RestClient;
use crate::name::Id;

impl RegistrarLoop<'_> {
    pub(super) fn carry_out(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Query => self.query(),
            Step::Register => self.register(),
            Step::Unregister(id) => self.unregister(id),
        }
    }

    pub(super) fn query(&mut self) -> Result<(), Error> {
        let Registration { state, rest, .. } = &*self.registration;
        log::debug!("querying the MOV for the live registrations of {}", state.info().name);
        if let Some(live) = self.query.send(self.link, rest.as_ref(), state.info())? {
            self.query_answered(live);
        }
        Ok(())
    }

    pub(super) fn poll_answer(&mut self) -> Result<(), Error> {
        let Registration { state, .. } = &*self.registration;
        if !state.expects_answer() {
            self.query.cancel();
        } else if let Some(live) = self.query.poll_answer(self.link, state.info())? {
            self.query_answered(live);
        }
        Ok(())
    }

    fn query_answered(&mut self, live: Vec<Notice>) {
        let state = &mut self.registration.state;
        state.query_answered(live, clock::now());
        if let Some(notice) = state.current() {
            log::info!("the MOV knows the component as {}; keeping that registration", notice.id);
        }
    }

    fn register(&mut self) -> Result<(), Error> {
        let Registration { state, rest, .. } = &mut *self.registration;
        if rest.as_ref().and_then(RestClient::is_live) == Some(false) {
            if !std::mem::replace(&mut self.is_not_working_logged, true) {
                log::warn!("the MOV reports that it does not work (/q/health/live); waiting to register until it does");
            }
            state.mov_not_working(clock::now());
            return Ok(());
        }
        self.is_not_working_logged = false;
        log::info!("registering with the MOV");
        let expires_after_ms = state.answer_timeout().as_millis().try_into().unwrap_or(u32::MAX);
        self.link.publish(&payloads::register(state.info(), expires_after_ms)).map(drop)
    }

    pub(super) fn unregister(&mut self, id: Id) -> Result<(), Error> {
        log::info!("ending the registration {id}");
        let sequence = self.link.publish(&payloads::unregister(&id))?;
        self.unregistering.insert(sequence, id);
        Ok(())
    }

    /// Updates the identity queue, the health file and the identifier in the logs.
    pub(super) fn publish_state(&mut self) -> Result<(), Error> {
        self.record_state()?;
        self.registration.report_health();
        Ok(())
    }

    /// Updates the identity queue.
    pub(super) fn record_state(&mut self) -> Result<(), Error> {
        let Registration { state, identity_queue, recorded, late_notifications, .. } = &mut *self.registration;
        let current = state.current().map(|notice| (notice.id.clone(), late_notifications.is_done(&notice.id)));
        let record = Recorded { current, last_known: state.last_known().map(|last_known| last_known.id.clone()) };
        if *recorded != record {
            let notifications_enabled = record.current.as_ref().is_some_and(|(_, is_done)| *is_done);
            identity_queue.write(self.link, state, notifications_enabled)?;
            *recorded = record;
        }
        Ok(())
    }
}
