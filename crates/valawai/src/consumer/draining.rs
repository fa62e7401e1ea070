//! The end of a consumer in a session: no more deliveries, and the last confirms.

use std::time::Duration;

use super::consumer_loop::{ConsumerLoop, TICK};
use crate::broker::Error;
use crate::clock;
use crate::shutdown::Shutdown;

/// How long to wait for the last confirms before the session is reopened.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

impl ConsumerLoop<'_> {
    /// Stops consuming and waits until everything published is confirmed. There is no deadline: the supervisor closes the
    /// session at its own.
    pub(super) fn drain(&mut self) -> Result<(), Error> {
        self.stop_consuming()?;
        while !self.in_flight.is_confirmed() {
            self.drain_one(None)?;
        }
        self.acknowledge()
    }

    /// Drains, and requires the session to be reopened. Closing the session requeues what is not confirmed in time, and a
    /// quorum queue counts that as a delivery.
    pub(super) fn drain_and_reopen(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let deadline = clock::now() + DRAIN_LIMIT;
        self.stop_consuming()?;
        while !self.in_flight.is_confirmed() && clock::now() < deadline {
            if shutdown.is_requested() {
                return self.drain();
            }
            self.drain_one(Some(shutdown))?;
        }
        self.acknowledge()?;
        if shutdown.is_requested() {
            return Ok(());
        }
        Err(Error::ReopenRequired { reason: "the broker rejects everything that is published" })
    }

    pub(super) fn stop_consuming(&mut self) -> Result<(), Error> {
        self.is_draining = true;
        // A registrar that stops compares its own consumers with all that the broker has. While the broker does not answer, it must
        // rather believe in another process than end the registration of one.
        self.subscribed.stop_counting();
        for tag in self.link.cancel()? {
            self.in_flight.requeue(tag);
        }
        Ok(())
    }

    pub(super) fn drain_one(&mut self, shutdown: Option<&Shutdown>) -> Result<(), Error> {
        if let Some(event) = self.poll(false)? {
            return self.handle(event);
        }
        self.acknowledge()?;
        self.check_confirms(clock::now())?;
        self.wait(false, shutdown, TICK);
        Ok(())
    }
}
