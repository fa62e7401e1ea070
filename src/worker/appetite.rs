//! How many messages to have in hand: many small ones, few large ones.
//!
//! The broker sends as many as the prefetch allows, whatever their size, and what it has sent it cannot take back. A
//! thousand messages of 16 MiB would keep everything behind them waiting, the control messages too. So it starts small,
//! and grows as far as the messages are small.

use super::Options;

/// More than this may not be on the way at once: then it is better to throw it all back, and to start small again.
const BEARABLE: usize = 256 * 1024 * 1024;

/// What it starts with: of the largest messages there are, this is still bearable.
const FIRST: u16 = 4;

/// It grows by this factor at a time.
const GROWTH: u16 = 16;

/// What should be different from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// So many messages in hand.
    Prefetch(u16),
    /// Everything: large messages came where small ones were expected, and far too many are on the way.
    StartAnew,
}

#[derive(Debug)]
pub(super) struct Appetite {
    most: u16,
    aim: usize,
    now: u16,
    heard: u16,
    bytes: usize,
}

impl Appetite {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.prefetch;
        Self { most, aim: options.bytes_in_hand, now: FIRST.min(most), heard: 0, bytes: 0 }
    }

    /// The prefetch to ask for.
    pub(super) fn prefetch(&self) -> u16 {
        self.now
    }

    /// Enters a message of so many bytes, and tells what should be different from now on.
    pub(super) fn heard(&mut self, bytes: usize) -> Option<Change> {
        self.heard += 1;
        self.bytes += bytes;
        if bytes.saturating_mul(usize::from(self.now)) > BEARABLE && self.now > FIRST {
            return Some(Change::StartAnew);
        }
        if self.heard < self.now && self.bytes < 4 * self.aim {
            return None;
        }
        let mean = (self.bytes / usize::from(self.heard)).max(1);
        let fitting = u16::try_from(self.aim / mean).unwrap_or(u16::MAX).clamp(1, self.most);
        let next = fitting.min(self.now.saturating_mul(GROWTH));
        (self.heard, self.bytes) = (0, 0);
        // Not for a little: asking for another costs three questions to the broker.
        let is_worth_it = next >= self.now.saturating_mul(2) || next <= self.now / 2 || next == self.most;
        (is_worth_it && next != self.now).then(|| {
            self.now = next;
            Change::Prefetch(next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_n;

    fn appetite(prefetch: u16) -> Appetite {
        Appetite::new(&Options { prefetch, bytes_in_hand: 8 << 20, kill_switch: None })
    }

    fn changes(sizes: impl IntoIterator<Item = usize>) -> Vec<u16> {
        let mut appetite = appetite(1024);
        let prefetch = |change| match change {
            Change::Prefetch(prefetch) => prefetch,
            Change::StartAnew => 0,
        };
        sizes.into_iter().filter_map(|size| appetite.heard(size).map(prefetch)).collect()
    }

    #[test]
    fn it_grows_to_the_most_for_small_messages_and_stays_there() {
        assert_eq!(changes(repeat_n(100, 100_000)), [64, 1024]);
    }

    #[test]
    fn it_stays_small_for_large_messages_and_shrinks_when_they_become_large() {
        assert_eq!(changes(repeat_n(16 << 20, 100)), [1]);
        assert_eq!(changes(repeat_n(1 << 20, 100)), [8]);
        let then_larger = repeat_n(100, 5000).chain(repeat_n(100 << 10, 5000));
        assert_eq!(changes(then_larger).last(), Some(&81));
    }

    #[test]
    fn it_starts_anew_when_far_too_much_may_be_on_the_way() {
        let then_huge = repeat_n(100, 5000).chain([16 << 20]);
        assert_eq!(changes(then_huge), [64, 1024, 0]);
    }

    #[test]
    fn it_never_asks_for_more_than_allowed() {
        let mut appetite = appetite(2);
        assert_eq!(appetite.prefetch(), 2);
        assert!((0..100).all(|_| appetite.heard(1).is_none()));
    }
}
