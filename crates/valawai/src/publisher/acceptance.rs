//! How long the broker has not accepted what is published.

use std::time::{Duration, Instant};

use super::SourcePublisher;
use crate::broker::Error;
use crate::health::status::StatusGuard;

/// A confirm that is not received by then is late.
const LATE_AFTER: Duration = Duration::from_secs(1);

/// How long the oldest message has not been accepted, over all attempts to publish it.
pub(super) struct Acceptance<'p> {
    publisher: &'p SourcePublisher,
    /// The number of the oldest message, if there is one.
    oldest: Option<u64>,
    since: Instant,
    /// Makes the component unhealthy after a while.
    stalled: Option<StatusGuard<'p>>,
    is_reported: bool,
}

impl<'p> Acceptance<'p> {
    pub(super) fn new(publisher: &'p SourcePublisher) -> Self {
        Self { publisher, oldest: None, since: Instant::now(), stalled: None, is_reported: false }
    }

    /// The broker rejected a message.
    pub(super) fn rejected(&mut self) {
        if !self.is_reported {
            let channel = self.publisher.source.channel.short();
            log::warn!(
                "the broker rejects messages on {channel}, as a full queue does; they are published again later"
            );
            self.is_reported = true;
        }
        self.stalled.get_or_insert_with(|| self.publisher.status.mark_stalled());
    }

    /// Checks how long the oldest message has been unconfirmed.
    pub(super) fn check(&mut self, is_blocked: impl Fn() -> bool) -> Result<(), Error> {
        let limit = self.publisher.confirm_limit;
        let oldest = self.publisher.outbox.oldest();
        if oldest != self.oldest || oldest.is_none() {
            *self = Self { oldest, ..Self::new(self.publisher) };
            return Ok(());
        }
        if self.since.elapsed() < LATE_AFTER.min(limit) {
            return Ok(());
        }
        if is_blocked() {
            // An alarm, which has no limit and is reported elsewhere.
            self.since = Instant::now();
            return Ok(());
        }
        self.stalled.get_or_insert_with(|| self.publisher.status.mark_stalled());
        if self.since.elapsed() > limit {
            return Err(Error::ReopenRequired { reason: "the broker does not accept what a source publishes" });
        }
        Ok(())
    }
}
