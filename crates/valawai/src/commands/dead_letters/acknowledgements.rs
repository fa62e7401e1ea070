//! Which deliveries may be acknowledged.

use std::collections::BTreeSet;

use crate::broker::Error;
use crate::broker::amqp::operator::OperatorLink;

/// The deliveries that are not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Acknowledgements {
    /// Those that are in flight, or were left.
    outstanding: BTreeSet<u64>,
    /// Those that may be acknowledged.
    moved: Vec<u64>,
    /// How many were left, and so stay outstanding.
    left: u64,
}

impl Acknowledgements {
    pub(super) fn delivered(&mut self, tag: u64) {
        self.outstanding.insert(tag);
    }

    pub(super) fn moved(&mut self, tag: u64) {
        self.outstanding.remove(&tag);
        self.moved.push(tag);
    }

    pub(super) fn left(&mut self) {
        self.left += 1;
    }

    pub(super) fn count_left(&self) -> u64 {
        self.left
    }

    /// Acknowledges what was moved: with one call what precedes all that is outstanding. What follows it waits, unless what is
    /// outstanding was left.
    pub(super) fn send(&mut self, link: &mut OperatorLink<'_>) -> Result<(), Error> {
        self.moved.sort_unstable();
        let first_outstanding = self.outstanding.first().copied().unwrap_or(u64::MAX);
        let later = self.moved.split_off(self.moved.partition_point(|tag| *tag < first_outstanding));
        if let Some(last) = self.moved.last() {
            link.acknowledge_up_to(*last)?;
        }
        self.moved = later;
        if self.left > 0 {
            for tag in std::mem::take(&mut self.moved) {
                link.acknowledge(tag)?;
            }
        }
        Ok(())
    }
}
