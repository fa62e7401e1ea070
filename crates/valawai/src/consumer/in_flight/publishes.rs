//! Publishes that are not confirmed.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::broker::{Confirm, Returned};
use crate::ids;
use crate::sequence_window::SequenceWindow;

/// The unconfirmed publishes of one link, by sequence number; `None` is one that is confirmed.
#[derive(Debug, Default)]
pub(crate) struct Publishes {
    window: SequenceWindow<Option<Publish>>,
    bytes: usize,
}

/// A message that was published for a delivery.
#[derive(Debug)]
pub(crate) struct Publish {
    /// The tag of the delivery.
    pub(crate) tag: u64,
    /// The queue.
    pub(crate) to: Arc<str>,
    bytes: usize,
    /// Identifies the message when it is returned, in fewer bytes than its `message_id`.
    fingerprint: u64,
    /// Whether the broker returned it.
    pub(crate) returned: bool,
    /// Whether it counts as rejected when it is returned.
    pub(crate) must_arrive: bool,
}

impl Publish {
    /// A reply, which need not arrive.
    pub(crate) fn new(tag: u64, to: Arc<str>, message_id: Option<&str>, bytes: usize) -> Self {
        Self { tag, to, bytes, fingerprint: fingerprint(message_id), returned: false, must_arrive: false }
    }

    fn matches(&self, fingerprint: u64, returned: &Returned) -> bool {
        self.fingerprint == fingerprint && *self.to == *returned.to
    }
}

impl Publishes {
    pub(crate) fn add(&mut self, sequence: u64, publish: Publish) {
        self.bytes += publish.bytes;
        self.window.set(sequence, Some(publish));
    }

    /// Removes the publish, because it is confirmed.
    pub(crate) fn take(&mut self, sequence: u64) -> Option<Publish> {
        let publish = self.window.get_mut(sequence)?.take()?;
        self.bytes -= publish.bytes;
        Some(publish)
    }

    /// Advances the window after confirmed publishes were [taken](Self::take).
    pub(crate) fn forget_confirmed(&mut self) {
        self.window.pop_while(|_, publish| publish.is_none());
    }

    /// The sequence numbers that `confirm` answers.
    pub(crate) fn confirmed_by(&self, confirm: Confirm) -> RangeInclusive<u64> {
        let Confirm { sequence, multiple, .. } = confirm;
        if multiple { self.window.first()..=sequence.min(self.window.last()) } else { sequence..=sequence }
    }

    /// Marks the publishes that `returned` may be. Returns whether the newest of them is a reply that need not arrive.
    pub(crate) fn mark_returned(&mut self, returned: &Returned) -> bool {
        let mut is_reply = true;
        for publish in self.matching(returned) {
            publish.returned = true;
            is_reply = !publish.must_arrive;
        }
        is_reply
    }

    /// Makes the publishes that `returned` may be count as rejected.
    pub(crate) fn require_arrival(&mut self, returned: &Returned) {
        for publish in self.matching(returned).filter(|publish| publish.returned) {
            publish.must_arrive = true;
        }
    }

    pub(crate) fn oldest(&self) -> Option<u64> {
        (!self.window.is_empty()).then_some(self.window.first())
    }

    /// The size of the bodies.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn matching(&mut self, returned: &Returned) -> impl Iterator<Item = &mut Publish> {
        let fingerprint = fingerprint(returned.message_id.as_deref());
        let publishes = self.window.iter_mut().filter_map(|(_, publish)| publish.as_mut());
        publishes.filter(move |publish| publish.matches(fingerprint, returned))
    }
}

fn fingerprint(message_id: Option<&str>) -> u64 {
    ids::fingerprint(message_id.unwrap_or_default().as_bytes())
}
