//! Deliveries that are not settled, and which of them may be acknowledged.

use std::collections::BTreeMap;

use crate::mov::log::Entry;
use crate::sequence_window::SequenceWindow;

/// More deliveries than any prefetch allows. A tag that is further ahead is an error of the broker, and would take memory.
const MAX_UNSETTLED: u64 = 1 << 24;

/// The unsettled deliveries of one link, by tag.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    window: SequenceWindow<Delivery>,
    /// Deliveries that wait for one of the component's own queues.
    parked: BTreeMap<u64, Delivery>,
    /// How many were returned to be acknowledged, since that was asked.
    acknowledged: u64,
}

#[derive(Debug, Default)]
enum Delivery {
    /// Not polled yet: a delivery with a higher tag, from another queue, was polled first.
    #[default]
    Expected,
    /// Some of what is published for it is not confirmed.
    Open { unconfirmed: usize, rejected: bool, forwarded: bool, completed: bool, on_confirm: Vec<Entry> },
    /// Everything published for it is confirmed. It is acknowledged together with the deliveries before it.
    Done { forwarded: bool },
    /// Requeued, parked, or acknowledged by itself: an ack of several deliveries skips it.
    Removed,
}

impl Delivery {
    fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    fn is_settled(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Removed)
    }

    /// Whether it is not acknowledged, and not on its way to another queue, where it would be a second copy.
    fn may_be_requeued(&self) -> bool {
        matches!(self, Self::Open { forwarded: false, .. } | Self::Done { forwarded: false })
    }
}

/// What a confirm means for its delivery.
#[derive(Debug)]
pub(super) enum Resolved {
    /// Other confirms are outstanding.
    NotYet,
    /// Everything published for it was accepted; these entries are to be logged.
    Accepted(Vec<Entry>),
    /// Something published for it was rejected.
    Rejected,
}

impl Deliveries {
    /// Adds a delivery. Returns false if its tag was settled before, or is too far ahead.
    pub(super) fn add(&mut self, tag: u64) -> bool {
        let is_expected = tag >= self.window.first() && tag - self.window.first() < MAX_UNSETTLED;
        if is_expected {
            let on_confirm = Vec::new();
            self.window.set(
                tag,
                Delivery::Open { unconfirmed: 0, rejected: false, forwarded: false, completed: false, on_confirm },
            );
        }
        is_expected
    }

    /// Counts a publish for the delivery.
    pub(super) fn add_publish(&mut self, tag: u64) {
        if let Some(Delivery::Open { unconfirmed, .. }) = self.get_mut(tag) {
            *unconfirmed += 1;
        }
    }

    /// Records that the delivery was published to another of the component's queues.
    pub(super) fn mark_forwarded(&mut self, tag: u64) {
        if let Some(Delivery::Open { forwarded, .. }) = self.get_mut(tag) {
            *forwarded = true;
        }
    }

    pub(super) fn complete(&mut self, tag: u64, entries: Vec<Entry>) -> Vec<Entry> {
        let Some(delivery) = self.get_mut(tag) else { return Vec::new() };
        match delivery {
            Delivery::Open { unconfirmed: 0, forwarded, .. } => {
                *delivery = Delivery::Done { forwarded: *forwarded };
                entries
            }
            Delivery::Open { completed, on_confirm, .. } => {
                *completed = true;
                *on_confirm = entries;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Records that something published for the delivery was accepted or rejected.
    pub(super) fn confirm(&mut self, tag: u64, accepted: bool) -> Resolved {
        let Some(delivery) = self.get_mut(tag) else { return Resolved::NotYet };
        let Delivery::Open { unconfirmed, rejected, forwarded, completed, on_confirm } = delivery else {
            return Resolved::NotYet;
        };
        *unconfirmed -= 1;
        *rejected |= !accepted;
        if *unconfirmed > 0 || !*completed {
            return Resolved::NotYet;
        }
        if *rejected {
            // It did not arrive in the other queue.
            *forwarded = false;
            return Resolved::Rejected;
        }
        let entries = std::mem::take(on_confirm);
        *delivery = Delivery::Done { forwarded: *forwarded };
        Resolved::Accepted(entries)
    }

    pub(super) fn requeue(&mut self, tag: u64) {
        if self.parked.remove(&tag).is_none() {
            self.window.set(tag, Delivery::Removed);
        }
    }

    pub(super) fn is_open(&mut self, tag: u64) -> bool {
        matches!(self.get_mut(tag), Some(Delivery::Open { .. }))
    }

    pub(super) fn park(&mut self, tag: u64) {
        if !self.parked.contains_key(&tag) {
            let delivery = self.window.set(tag, Delivery::Removed);
            self.parked.insert(tag, delivery);
        }
    }

    pub(super) fn is_parked(&self, tag: u64) -> bool {
        self.parked.contains_key(&tag)
    }

    pub(super) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// The highest tag below `end` up to which no delivery is open, if one of them is to be acknowledged.
    pub(super) fn take_acknowledgeable(&mut self, end: u64) -> Option<u64> {
        let settled = self.window.iter().take_while(|(tag, delivery)| *tag < end && delivery.is_settled());
        let done = settled.filter(|(_, delivery)| delivery.is_done());
        let (count, highest) = done.fold((0, None), |(count, _), (tag, _)| (count + 1, Some(tag)));
        self.acknowledged += count;
        self.window.pop_while(|tag, delivery| tag < end && delivery.is_settled());
        highest
    }

    /// All deliveries below `end` that are to be acknowledged, including those behind open ones.
    pub(super) fn take_each_acknowledgeable(&mut self, end: u64) -> Vec<u64> {
        let mut tags: Vec<u64> =
            self.parked.extract_if(.., |_, delivery| delivery.is_done()).map(|(tag, _)| tag).collect();
        for (tag, delivery) in self.window.iter_mut().filter(|(tag, delivery)| *tag < end && delivery.is_done()) {
            *delivery = Delivery::Removed;
            tags.push(tag);
        }
        self.window.pop_while(|_, delivery| matches!(delivery, Delivery::Removed));
        self.acknowledged += tags.len() as u64;
        tags
    }

    /// How many deliveries were returned to be acknowledged, since the last call.
    pub(super) fn take_acknowledged(&mut self) -> u64 {
        std::mem::take(&mut self.acknowledged)
    }

    /// The first delivery that is not settled.
    pub(super) fn first_open(&self) -> Option<u64> {
        self.window.iter().find(|(_, delivery)| !delivery.is_settled()).map(|(tag, _)| tag)
    }

    /// The deliveries from `tag` on that are not acknowledged, without the parked and the forwarded ones.
    pub(super) fn unacknowledged_from(&self, tag: u64) -> Vec<u64> {
        let from = self.window.iter().filter(|(found, delivery)| *found >= tag && delivery.may_be_requeued());
        from.map(|(tag, _)| tag).collect()
    }

    /// The number of deliveries that are not acknowledged, about.
    pub(super) fn count(&self) -> u64 {
        self.window.last() + 1 - self.window.first()
    }

    fn get_mut(&mut self, tag: u64) -> Option<&mut Delivery> {
        // This is called several times for each message, and hardly ever is one parked.
        if self.parked.is_empty() {
            return self.window.get_mut(tag);
        }
        self.parked.get_mut(&tag).or_else(|| self.window.get_mut(tag))
    }
}
