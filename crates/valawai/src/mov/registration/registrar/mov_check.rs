//! Checks whether the MOV is up, and whether it still knows the registration.

use std::time::Instant;

use super::super::Registration;
use super::{CHECK_INTERVAL, REST_INTERVAL, RegistrarLoop};
use crate::broker::Error;
use crate::clock;
use crate::mov::payloads;
use crate::mov::rest::RestClient;

impl RegistrarLoop<'_> {
    pub(super) fn check_mov(&mut self) -> Result<(), Error> {
        let now = clock::now();
        if self.next_rest_check <= now {
            self.next_rest_check = now + REST_INTERVAL;
            self.check_registration(now);
        }
        let asked = clock::now();
        let consumers = self.link.consumers(payloads::REGISTER)?;
        // The broker may have taken its time to answer.
        let now = clock::now();
        if consumers.is_some() {
            self.missing_queue_backoff.reset();
            self.next_check = now + CHECK_INTERVAL;
        } else {
            self.next_check = now + self.missing_queue_backoff.pause();
        }
        self.observe_mov(consumers, asked, now);
        self.registration.check_broker(self.link, now);
        Ok(())
    }

    /// Asks the MOV over REST whether it still knows the current registration.
    fn check_registration(&mut self, now: Instant) {
        let Registration { state, rest, .. } = &mut *self.registration;
        let (Some(rest), Some(current)) = (rest, state.current()) else { return };
        if rest.is_registered(&current.id) == Some(false) {
            log::info!("the MOV no longer knows the component");
            state.registration_forgotten(now);
        }
    }

    fn observe_mov(&mut self, consumers: Option<u32>, asked: Instant, now: Instant) {
        let Registration { state, rest, .. } = &mut *self.registration;
        let was_up = state.is_mov_up();
        state.observe_mov_since(consumers, asked, now);
        if state.is_mov_up() != was_up {
            log::info!("the MOV is {}", if state.is_mov_up() == Some(true) { "up" } else { "down" });
        }
        // A MOV that reports itself as ready has started, so there is no need to wait longer.
        if state.is_mov_starting() && rest.as_ref().is_some_and(RestClient::is_ready) {
            state.mov_started(now);
        }
    }
}
