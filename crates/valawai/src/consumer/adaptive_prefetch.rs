//! How many messages to have in hand: many that are small and quick, few that are large or slow.
//!
//! The broker sends as many as the prefetch allows, whatever their size, and counts for each how long it waits to be
//! acknowledged. So it starts small, grows as far as the messages allow it, and shrinks when many of them become larger or
//! slower: what is in hand should fit into a few megabytes, and take a few seconds. One of them alone is no reason.

use std::time::Duration;

use super::Options;

/// What it starts with: of the largest messages there are, this is still bearable.
const FIRST: u16 = 4;

/// It grows by this factor at a time.
const GROWTH: u16 = 16;

/// What is in hand should not take the handlers longer than this.
const TIME_IN_HAND: Duration = Duration::from_secs(5);

/// After so much time a few messages are enough to judge by.
const SLOW: Duration = Duration::from_secs(2);
const A_FEW: u32 = 4;

#[derive(Debug)]
pub(super) struct AdaptivePrefetch {
    most: u16,
    bytes_in_flight: usize,
    now: u16,
    seen: Seen,
}

/// The messages since it was last judged.
#[derive(Debug, Default)]
struct Seen {
    count: u32,
    bytes: usize,
    largest: usize,
    time: Duration,
}

impl AdaptivePrefetch {
    pub(super) fn new(options: &Options) -> Self {
        let most = options.prefetch;
        Self { most, bytes_in_flight: options.bytes_in_flight, now: FIRST.min(most), seen: Seen::default() }
    }

    /// The prefetch to ask for.
    pub(super) fn prefetch(&self) -> u16 {
        self.now
    }

    /// Enters a message of so many `bytes`, whose handler `took` so long, and returns the prefetch to ask for from now on
    /// if it changes.
    pub(super) fn record(&mut self, bytes: usize, took: Duration) -> Option<u16> {
        self.seen.count += 1;
        self.seen.bytes += bytes;
        self.seen.largest = self.seen.largest.max(bytes);
        self.seen.time += took;
        if !self.has_seen_enough() {
            return None;
        }
        let seen = std::mem::take(&mut self.seen);
        let next = self.fitting(&seen).min(self.now.saturating_mul(GROWTH));
        // Not for a little: asking for another costs three questions to the broker.
        let is_worth_it = next >= self.now.saturating_mul(2) || next <= self.now / 2 || next == self.most;
        (is_worth_it && next != self.now).then(|| {
            self.now = next;
            next
        })
    }

    fn has_seen_enough(&self) -> bool {
        let Seen { count, bytes, largest, time } = self.seen;
        let is_slow = time >= TIME_IN_HAND || (count >= A_FEW && time >= SLOW);
        count >= self.now.into() || bytes - largest >= self.bytes_in_flight || is_slow
    }

    /// How many such messages fit into the bytes and the time there are.
    fn fitting(&self, seen: &Seen) -> u16 {
        let mean_bytes = (seen.bytes / seen.count as usize).max(1);
        let mean_nanos = (seen.time.as_nanos() / u128::from(seen.count)).max(1);
        let by_size = u16::try_from(self.bytes_in_flight / mean_bytes).unwrap_or(u16::MAX);
        let by_time = u16::try_from(TIME_IN_HAND.as_nanos() / mean_nanos).unwrap_or(u16::MAX);
        by_size.min(by_time).clamp(1, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_n;

    const MIB: usize = 1 << 20;
    const QUICK: Duration = Duration::from_micros(10);

    fn adaptive_prefetch(prefetch: u16) -> AdaptivePrefetch {
        let options = Options { prefetch, bytes_in_flight: 32 * MIB, ..Options::default() };
        AdaptivePrefetch::new(&options)
    }

    fn changes(messages: impl IntoIterator<Item = (usize, Duration)>) -> Vec<u16> {
        let mut adaptive_prefetch = adaptive_prefetch(1024);
        messages.into_iter().filter_map(|(bytes, took)| adaptive_prefetch.record(bytes, took)).collect()
    }

    fn sized(bytes: usize, count: usize) -> impl Iterator<Item = (usize, Duration)> {
        repeat_n((bytes, QUICK), count)
    }

    fn lasting(took: Duration, count: usize) -> impl Iterator<Item = (usize, Duration)> {
        repeat_n((100, took), count)
    }

    #[test]
    fn it_grows_to_the_most_for_small_messages_and_stays_there() {
        assert_eq!(changes(sized(100, 100_000)), [64, 1024]);
    }

    #[test]
    fn it_stays_small_for_large_messages_and_shrinks_when_they_become_large() {
        assert_eq!(changes(sized(16 * MIB, 100)), [2]);
        assert_eq!(changes(sized(MIB, 100)), [32]);
        let then_larger = sized(100, 5000).chain(sized(400 << 10, 5000));
        assert_eq!(changes(then_larger).last(), Some(&81));
    }

    #[test]
    fn it_shrinks_after_a_few_of_many_huge_ones() {
        let then_huge = sized(100, 64 + 1024 + 4).chain(sized(3 * MIB, 12));
        assert_eq!(changes(then_huge), [64, 1024, 10]);
    }

    #[test]
    fn large_ones_among_many_small_ones_are_no_reason_to_shrink() {
        let one_large = sized(100, 5000).chain(sized(15 * MIB, 1)).chain(sized(100, 5000));
        assert_eq!(changes(one_large), [64, 1024]);
        let mixed = (0..12_000).map(|number| (if number % 60 == 59 { 400_000 } else { 100 }, QUICK));
        assert_eq!(changes(mixed), [64, 1024]);
    }

    #[test]
    fn what_is_in_hand_takes_a_slow_handler_seconds() {
        let second = Duration::from_secs(1);
        assert_eq!(changes(lasting(2 * second, 10)), [2]);
        assert_eq!(changes(lasting(900 * second, 10)), [1], "of a very slow one there is one in hand, at once");
        assert_eq!(changes(lasting(second / 10, 500)), [50]);
        let then_slow = lasting(QUICK, 5000).chain(lasting(2 * second, 5));
        assert!(changes(then_slow).len() > 2, "a handler that became slow keeps a thousand waiting");
        let then_quick = lasting(2 * second, 10).chain(lasting(QUICK, 10_000));
        assert_eq!(changes(then_quick).last(), Some(&1024), "a handler that is quick again starves");
    }

    #[test]
    fn it_never_asks_for_more_than_allowed() {
        let mut adaptive_prefetch = adaptive_prefetch(2);
        assert_eq!(adaptive_prefetch.prefetch(), 2);
        assert!((0..100).all(|_| adaptive_prefetch.record(1, QUICK).is_none()));
    }
}
