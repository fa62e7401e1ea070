//! How deliveries are settled: what the broker confirms is acknowledged, and what it rejects is requeued.

use std::time::{Duration, Instant};

use super::consumer_loop::{ConsumerLoop, LONGEST_PAUSE};
use super::in_flight::Settlement;
use crate::broker::{Confirm, Error, Returned};
use crate::clock;

/// A requeued delivery that is not redelivered within this time went to another consumer.
const REDELIVERY_LIMIT: Duration = Duration::from_secs(LONGEST_PAUSE.as_secs() + 1);

impl ConsumerLoop<'_> {
    pub(super) fn confirm(&mut self, confirm: Confirm) -> Result<(), Error> {
        let settlement = self.in_flight.confirm(confirm, &mut self.unroutable);
        if settlement.rejected || !settlement.requeue.is_empty() {
            self.nack_streak.add(clock::now());
        } else if settlement.accepted {
            self.backoff.reset();
            self.nack_streak.end();
        }
        self.settle(settlement)
    }

    pub(super) fn settle(&mut self, settlement: Settlement) -> Result<(), Error> {
        for tag in settlement.requeue {
            // Unless it was requeued together with an earlier one.
            if self.in_flight.is_open(tag) {
                self.requeue(tag)?;
            }
        }
        self.log(settlement.log);
        Ok(())
    }

    /// A returned reply counts as published if its queue does not exist. If the node of the queue is down, the delivery is
    /// requeued.
    pub(super) fn handle_returned(&mut self, returned: &Returned) -> Result<(), Error> {
        let is_reply = self.in_flight.mark_returned(returned);
        if !is_reply {
            return Ok(());
        }
        if self.unroutable.add(&returned.to, self.link, clock::now())? {
            self.consumer.options.operations.metrics.count_unroutable();
        } else {
            self.in_flight.require_arrival(returned);
        }
        Ok(())
    }

    pub(super) fn acknowledge(&mut self) -> Result<(), Error> {
        let end = self.end_of_committed();
        self.acknowledge_up_to(end)?;
        self.in_flight_gauge.set(usize::try_from(self.in_flight.count()).unwrap_or(usize::MAX));
        match self.in_flight.take_acknowledged() {
            0 => {}
            count => self.consumer.options.operations.metrics.count_acknowledged(count),
        }
        Ok(())
    }

    fn acknowledge_up_to(&mut self, end: u64) -> Result<(), Error> {
        if self.in_flight.has_parked() {
            // An ack of several deliveries would include the parked ones.
            for tag in self.in_flight.take_each_acknowledgeable(end) {
                self.link.acknowledge(tag)?;
            }
            return Ok(());
        }
        match self.in_flight.take_acknowledgeable(end) {
            Some(tag) => self.link.acknowledge_up_to(tag),
            None => Ok(()),
        }
    }

    /// Consumes nothing for a while.
    pub(super) fn pause(&mut self) {
        self.paused_until = self.paused_until.max(Some(clock::now() + self.backoff.pause()));
    }

    pub(super) fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        // A parked delivery is one whose handler failed, so no other message depends on it.
        if !self.in_flight.is_parked(tag) && self.roll_back(tag)? {
            return Ok(());
        }
        self.pause();
        self.in_flight.requeue(tag);
        self.consumer.options.operations.metrics.count_requeued();
        self.link.requeue(tag)
    }

    /// Checks for late confirms.
    pub(super) fn check_confirms(&mut self, now: Instant) -> Result<(), Error> {
        let link = &*self.link;
        if self.unconfirmed.check(self.in_flight.oldest_unconfirmed(), || link.is_blocked(), now) {
            return Err(Error::ReopenRequired { reason: "the broker does not confirm what is published" });
        }
        if self.in_flight.is_confirmed() {
            self.nack_streak.end_after(REDELIVERY_LIMIT, now);
        }
        Ok(())
    }
}
