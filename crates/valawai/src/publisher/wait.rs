//! How long the broker has not accepted a message.

use std::time::Instant;

use super::{PeriodicPublisher, TICK};
use crate::broker::Error;
use crate::health::status::StatusGuard;

pub(super) struct Wait<'p> {
    publisher: &'p PeriodicPublisher,
    since: Instant,
    /// Counts as nacked, which makes the component unhealthy after a while.
    counted: Option<StatusGuard<'p>>,
    is_reported: bool,
}

impl<'p> Wait<'p> {
    pub(super) fn new(publisher: &'p PeriodicPublisher) -> Self {
        Self { publisher, since: Instant::now(), counted: None, is_reported: false }
    }

    /// The broker rejected the message.
    pub(super) fn rejected(&mut self) -> Result<(), Error> {
        if !self.is_reported {
            let channel = self.publisher.handler.schedule.channel.short();
            log::warn!(
                "the broker rejects messages on {channel}, as a full queue does; they are published again later"
            );
            self.is_reported = true;
        }
        self.counted.get_or_insert_with(|| self.publisher.status.mark_stalled());
        self.check_limit()
    }

    /// The broker has not answered yet.
    pub(super) fn unanswered(&mut self, is_blocked: bool) -> Result<(), Error> {
        if is_blocked {
            // An alarm, which has no limit and is reported elsewhere.
            self.since = Instant::now();
        } else if self.since.elapsed() > TICK {
            self.counted.get_or_insert_with(|| self.publisher.status.mark_stalled());
        }
        self.check_limit()
    }

    fn check_limit(&self) -> Result<(), Error> {
        if self.since.elapsed() > self.publisher.confirm_limit {
            return Err(Error::ReopenRequired { reason: "the broker does not accept what is published periodically" });
        }
        Ok(())
    }
}
