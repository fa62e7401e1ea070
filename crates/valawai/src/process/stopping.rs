//! The end of a session that is not lost: what is in flight is finished, in order.

use std::time::{Duration, Instant};

use super::session::RunningSession;
use super::supervisor::Role;
use crate::broker::Error;
use crate::clock;
use crate::publisher;
use crate::threads;

/// How long a source may take to return that waited for confirms until the end.
const SOURCE_RELEASE: Duration = Duration::from_millis(100);

/// The deadlines of a stop, as parts of the grace period. The rest is for the end of the process.
const DRAINED_BY: f64 = 0.6;
const UNREGISTERED_BY: f64 = 0.8;
const LOGGED_BY: f64 = 0.85;
const CLOSED_BY: f64 = 0.95;

impl RunningSession<'_> {
    /// Stops in order: consume no more and finish what is in flight, unregister, publish the last log entries, close.
    pub(super) fn stop(mut self, began: Instant) {
        log::info!("stopping");
        threads::lock(&self.tasks.routes).stop_consumers();
        self.drain(began);
        publisher::close(&self.tasks.publishers, clock::now() + SOURCE_RELEASE);
        if !self.unregister(self.deadline(began, UNREGISTERED_BY)) {
            log::warn!("the broker did not confirm in time that the component is unregistered");
        }
        self.close(began);
    }

    /// Stops as [`Self::stop`], but the sources go on: the component continues on another broker. It stays registered if that one
    /// `knows_registration`.
    pub(super) fn leave(mut self, knows_registration: bool, began: Instant) {
        self.tasks.publishers.iter().for_each(|publisher| publisher.set_leaving(true));
        self.drain(began);
        if knows_registration {
            log::info!("the registration stays; it is known on the other broker");
        } else {
            if !self.unregister(self.deadline(began, UNREGISTERED_BY)) {
                log::warn!("this broker did not confirm in time that the component is unregistered");
            }
            self.tasks.forget_registration = true;
        }
        self.tasks.publishers.iter().for_each(|publisher| publisher.set_leaving(false));
        self.close(began);
    }

    /// Consumes no more, and finishes what is in flight.
    fn drain(&mut self, began: Instant) {
        self.consumers.stop();
        self.publishers.stop();
        self.service.stop();
        self.tasks.registrar_role.lose();
        let deadline = self.deadline(began, DRAINED_BY);
        if !self.supervisor.join_all(Role::Consumer, deadline) {
            log::warn!("not all messages in flight were finished in time; the broker delivers them again");
        }
        self.supervisor.join_all(Role::Publisher, deadline);
    }

    /// Publishes the last log entries, and closes the session.
    fn close(mut self, began: Instant) {
        self.log_writer.stop();
        let (logged_by, closed_by) = (self.deadline(began, LOGGED_BY), self.deadline(began, CLOSED_BY));
        self.supervisor.join_all(Role::LogWriter, logged_by);
        // Nothing depends on the session any more, so its errors do not matter.
        let _ = self.supervisor.close(closed_by);
    }

    fn deadline(&self, began: Instant, part: f64) -> Instant {
        began + self.tasks.grace.mul_f64(part)
    }

    /// Lets the registrar unregister the component. A process that was not the registrar may be the last one now; then it has to
    /// become it. Returns whether that succeeded.
    fn unregister(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.supervisor.runs(Role::Registrar) && self.start_registrar().is_err() {
                return false;
            }
            self.registrar.stop();
            match self.supervisor.join_next(Role::Registrar, deadline) {
                // Another process that is stopping held the lock at this moment.
                Some(Err(Error::LockHeld { .. })) => {}
                Some(result) => return result.is_ok(),
                None => return false,
            }
        }
    }
}
