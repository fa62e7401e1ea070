//! The messages in flight: deliveries that are not settled, and publishes that are not confirmed.
//!
//! Confirms are accepted in any order, and each delivery is settled once. amiquip's `ConfirmSmoother` is no substitute:
//! it turns a nack into an ack if confirms arrive out of order.

mod deliveries;
pub(crate) mod publishes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::deliveries::{Deliveries, Resolved};
use self::publishes::{Publish, Publishes};
use super::unroutable::Unroutable;
use crate::broker::{Confirm, Returned};
use crate::message::Outgoing;
use crate::mov::log::Entry;
use crate::operations::channel_metrics::ChannelMetrics;

/// The messages in flight on one link.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    deliveries: Deliveries,
    publishes: Publishes,
    /// How many messages outlets have not answered for.
    handed_over: usize,
    outputs: Outputs,
}

/// The channels on which the component publishes, with their counters.
pub(super) type Outputs = Vec<(Arc<str>, Arc<ChannelMetrics>)>;

/// What a confirm settled.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// The deliveries to requeue, because the broker rejected what was published for them.
    pub(super) requeue: Vec<u64>,
    /// The entries to log, because everything published for their deliveries is confirmed.
    pub(super) log: Vec<Entry>,
    /// Whether a message reached its queue.
    pub(super) accepted: bool,
    /// Whether the broker rejected a message. Its delivery is requeued when nothing else is outstanding.
    pub(super) rejected: bool,
}

impl InFlight {
    /// Counts what is confirmed on `outputs`.
    pub(super) fn counting(outputs: Outputs) -> Self {
        Self { outputs, ..Self::default() }
    }

    /// Records a delivery. Returns false if its tag is not one that a broker would send next.
    #[must_use]
    pub(super) fn deliver(&mut self, tag: u64) -> bool {
        self.deliveries.add(tag)
    }

    /// Records that `message` was published for the delivery `tag`.
    pub(super) fn publish(&mut self, sequence: u64, tag: u64, message: &Outgoing) {
        let message_id = message.properties.message_id.as_deref();
        self.add(sequence, Publish::new(tag, Arc::clone(&message.to), message_id, message.body.len()));
    }

    /// Records that the delivery `tag` was forwarded to one of the component's own queues. It must reach that queue.
    pub(super) fn forward(&mut self, sequence: u64, tag: u64, to: &str, message_id: Option<&str>, bytes: usize) {
        let mut publish = Publish::new(tag, to.into(), message_id, bytes);
        publish.must_arrive = true;
        self.add(sequence, publish);
        self.deliveries.mark_forwarded(tag);
    }

    fn add(&mut self, sequence: u64, publish: Publish) {
        self.deliveries.add_publish(publish.tag);
        self.publishes.add(sequence, publish);
    }

    /// Records that a message was handed over to an outlet for the delivery `tag`.
    pub(super) fn hand_over(&mut self, tag: u64) {
        self.handed_over += 1;
        self.deliveries.add_publish(tag);
    }

    /// Records that an outlet answered for a message of the delivery `tag`.
    pub(super) fn answered(&mut self, tag: u64, accepted: bool) -> Settlement {
        self.handed_over -= 1;
        let mut settlement = Settlement::default();
        self.resolve(tag, accepted, &mut settlement);
        settlement
    }

    /// Whether outlets have not answered for all messages.
    pub(super) fn has_handed_over(&self) -> bool {
        self.handed_over > 0
    }

    /// Records that everything was published for the delivery `tag`, and `on_confirm` is to be logged when all of it is
    /// confirmed. Returns the entries to log now: those of a delivery for which nothing was published.
    pub(super) fn complete(&mut self, tag: u64, on_confirm: Vec<Entry>) -> Vec<Entry> {
        self.deliveries.complete(tag, on_confirm)
    }

    /// Records that the delivery `tag` was requeued.
    pub(super) fn requeue(&mut self, tag: u64) {
        self.deliveries.requeue(tag);
    }

    /// Whether the delivery `tag` is neither acknowledged nor requeued.
    #[must_use]
    pub(super) fn is_open(&mut self, tag: u64) -> bool {
        self.deliveries.is_open(tag)
    }

    /// Parks the delivery `tag`: it stays unsettled, maybe for hours, and later deliveries are acknowledged without it.
    pub(super) fn park(&mut self, tag: u64) {
        self.deliveries.park(tag);
    }

    /// Whether the delivery `tag` is parked.
    #[must_use]
    pub(super) fn is_parked(&self, tag: u64) -> bool {
        self.deliveries.is_parked(tag)
    }

    /// Whether deliveries are parked, so that an ack must not include earlier deliveries.
    #[must_use]
    pub(super) fn has_parked(&self) -> bool {
        self.deliveries.has_parked()
    }

    /// Records a returned message; its confirm follows. Returns whether it is a reply, which need not arrive. If several
    /// publishes match, all are marked: a duplicate is better than a loss.
    pub(super) fn mark_returned(&mut self, returned: &Returned) -> bool {
        self.publishes.mark_returned(returned)
    }

    /// Records that a returned message must be published again, because its queue exists.
    pub(super) fn require_arrival(&mut self, returned: &Returned) {
        self.publishes.require_arrival(returned);
    }

    /// Records a confirm. Duplicate confirms, and those of unknown publishes, are ignored.
    pub(super) fn confirm(&mut self, confirm: Confirm, unroutable: &mut Unroutable) -> Settlement {
        let mut settlement = Settlement::default();
        for sequence in self.publishes.confirmed_by(confirm) {
            if let Some(publish) = self.publishes.take(sequence) {
                self.settle(&publish, confirm.accepted, unroutable, &mut settlement);
            }
        }
        self.publishes.forget_confirmed();
        settlement
    }

    fn settle(&mut self, publish: &Publish, accepted: bool, unroutable: &mut Unroutable, settlement: &mut Settlement) {
        if accepted && !publish.returned {
            unroutable.remove(&publish.to);
            // A reply has the name of its channel, and not a copy of it.
            if let Some((_, metrics)) = self.outputs.iter().find(|(queue, _)| Arc::ptr_eq(queue, &publish.to)) {
                metrics.count_published();
            }
        }
        // A reply counts as published even if its queue does not exist.
        let accepted = accepted && !(publish.returned && publish.must_arrive);
        settlement.accepted |= accepted;
        settlement.rejected |= !accepted;
        self.resolve(publish.tag, accepted, settlement);
    }

    fn resolve(&mut self, tag: u64, accepted: bool, settlement: &mut Settlement) {
        match self.deliveries.confirm(tag, accepted) {
            Resolved::Accepted(mut on_confirm) => settlement.log.append(&mut on_confirm),
            Resolved::Rejected => settlement.requeue.push(tag),
            Resolved::NotYet => {}
        }
    }

    /// The tag below `end` up to which deliveries are to be acknowledged, if there are any. Each is returned once.
    pub(super) fn take_acknowledgeable(&mut self, end: u64) -> Option<u64> {
        self.deliveries.take_acknowledgeable(end)
    }

    /// The deliveries below `end` to acknowledge one by one, while others are parked. Each is returned once.
    pub(super) fn take_each_acknowledgeable(&mut self, end: u64) -> Vec<u64> {
        self.deliveries.take_each_acknowledgeable(end)
    }

    /// How many deliveries were returned to be acknowledged, since the last call.
    pub(super) fn take_acknowledged(&mut self) -> u64 {
        self.deliveries.take_acknowledged()
    }

    /// The first delivery for which not everything is confirmed.
    #[must_use]
    pub(super) fn first_open(&self) -> Option<u64> {
        self.deliveries.first_open()
    }

    /// The deliveries from `tag` on that are not acknowledged, without the parked and the forwarded ones.
    #[must_use]
    pub(super) fn unacknowledged_from(&self, tag: u64) -> Vec<u64> {
        self.deliveries.unacknowledged_from(tag)
    }

    /// The number of deliveries that are not acknowledged, about.
    #[must_use]
    pub(super) fn count(&self) -> u64 {
        self.deliveries.count()
    }

    /// The oldest unconfirmed publish.
    #[must_use]
    pub(super) fn oldest_unconfirmed(&self) -> Option<u64> {
        self.publishes.oldest()
    }

    /// Whether everything that was published is confirmed.
    #[must_use]
    pub(super) fn is_confirmed(&self) -> bool {
        self.publishes.oldest().is_none() && self.handed_over == 0
    }

    /// The size of the unconfirmed bodies.
    #[must_use]
    pub(super) fn unconfirmed_bytes(&self) -> usize {
        self.publishes.bytes()
    }
}
