//! Adapts the prefetch to the messages: large for small, quick ones, small for large or slow ones.
//!
//! The broker delivers as many messages as the prefetch allows, regardless of their size, and limits how long each may wait
//! for its ack. So the prefetch starts small and grows as far as the messages allow: those in flight should fit into a few
//! megabytes and take the handler a few seconds. It shrinks when many messages become larger or slower; a single one does
//! not matter.

use std::time::Duration;

/// The initial prefetch, which is small enough for the largest messages.
const INITIAL: u16 = 4;

/// The largest factor of one increase.
const MAX_GROWTH: u16 = 16;

/// How long handlers should take for the messages in flight.
const TIME_IN_FLIGHT: Duration = Duration::from_secs(5);

/// After this time, a sample of a few messages is large enough.
const SLOW_SAMPLE: Duration = Duration::from_secs(2);
const SLOW_SAMPLE_COUNT: u32 = 4;

#[derive(Debug)]
pub(super) struct AdaptivePrefetch {
    max: u16,
    bytes_in_flight: usize,
    current: u16,
    sample: Sample,
}

/// The messages since the last decision.
#[derive(Debug, Default)]
struct Sample {
    count: u32,
    bytes: usize,
    largest: usize,
    time: Duration,
}

impl AdaptivePrefetch {
    /// A prefetch of at most `max`, for at most `bytes_in_flight`.
    pub(super) fn new(max: u16, bytes_in_flight: usize) -> Self {
        Self { max, bytes_in_flight, current: INITIAL.min(max), sample: Sample::default() }
    }

    /// The current prefetch.
    pub(super) fn prefetch(&self) -> u16 {
        self.current
    }

    /// Records a message with a body of `bytes`, whose handler `took` this long. Returns the new prefetch if it changes.
    pub(super) fn record(&mut self, bytes: usize, took: Duration) -> Option<u16> {
        self.sample.count += 1;
        self.sample.bytes += bytes;
        self.sample.largest = self.sample.largest.max(bytes);
        self.sample.time += took;
        if !self.is_sample_complete() {
            return None;
        }
        let sample = std::mem::take(&mut self.sample);
        let next = self.fitting(&sample).min(self.current.saturating_mul(MAX_GROWTH));
        // A change takes three round trips to the broker, so small ones are not worth it.
        let is_worth_it = next >= self.current.saturating_mul(2) || next <= self.current / 2 || next == self.max;
        (is_worth_it && next != self.current).then(|| {
            self.current = next;
            next
        })
    }

    fn is_sample_complete(&self) -> bool {
        let Sample { count, bytes, largest, time } = self.sample;
        let is_slow = time >= TIME_IN_FLIGHT || (count >= SLOW_SAMPLE_COUNT && time >= SLOW_SAMPLE);
        count >= self.current.into() || bytes - largest >= self.bytes_in_flight || is_slow
    }

    /// How many messages as in `sample` fit into the bytes and the time in flight.
    fn fitting(&self, sample: &Sample) -> u16 {
        let mean_bytes = (sample.bytes / sample.count as usize).max(1);
        let mean_nanos = (sample.time.as_nanos() / u128::from(sample.count)).max(1);
        let by_size = u16::try_from(self.bytes_in_flight / mean_bytes).unwrap_or(u16::MAX);
        let by_time = u16::try_from(TIME_IN_FLIGHT.as_nanos() / mean_nanos).unwrap_or(u16::MAX);
        by_size.min(by_time).clamp(1, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_n;

    const MIB: usize = 1 << 20;
    const SECOND: Duration = Duration::from_secs(1);
    const QUICK: Duration = Duration::from_micros(10);

    fn adaptive_prefetch(max: u16) -> AdaptivePrefetch {
        AdaptivePrefetch::new(max, 32 * MIB)
    }

    /// The changes of a prefetch of at most 1024 by these messages.
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
    fn it_grows_to_the_maximum_for_small_messages() {
        assert_eq!(changes(sized(100, 100_000)), [64, 1024]);
    }

    #[test]
    fn it_stays_small_for_large_messages() {
        assert_eq!(changes(sized(16 * MIB, 100)), [2]);
        assert_eq!(changes(sized(MIB, 100)), [32]);
    }

    #[test]
    fn it_shrinks_when_messages_become_large() {
        let larger = sized(100, 5000).chain(sized(400 << 10, 5000));
        assert_eq!(changes(larger).last(), Some(&81));
    }

    #[test]
    fn it_shrinks_after_a_few_huge_messages_in_a_row() {
        let huge = sized(100, 64 + 1024 + 4).chain(sized(3 * MIB, 12));
        assert_eq!(changes(huge), [64, 1024, 10]);
    }

    #[test]
    fn a_few_large_messages_among_many_small_ones_do_not_matter() {
        let one_large = sized(100, 5000).chain(sized(15 * MIB, 1)).chain(sized(100, 5000));
        assert_eq!(changes(one_large), [64, 1024]);
        let mixed = (0..12_000).map(|number| (if number % 60 == 59 { 400_000 } else { 100 }, QUICK));
        assert_eq!(changes(mixed), [64, 1024]);
    }

    #[test]
    fn the_messages_in_flight_take_a_slow_handler_a_few_seconds() {
        assert_eq!(changes(lasting(SECOND / 10, 500)), [50]);
        assert_eq!(changes(lasting(2 * SECOND, 10)), [2]);
        assert_eq!(changes(lasting(900 * SECOND, 10)), [1], "one message should be in flight, after the first");
    }

    #[test]
    fn it_shrinks_when_a_handler_becomes_slow() {
        let slow = lasting(QUICK, 5000).chain(lasting(2 * SECOND, 5));
        assert!(changes(slow).len() > 2, "a thousand messages wait for a slow handler");
    }

    #[test]
    fn it_grows_when_a_handler_becomes_quick() {
        let quick = lasting(2 * SECOND, 10).chain(lasting(QUICK, 10_000));
        assert_eq!(changes(quick).last(), Some(&1024));
    }

    #[test]
    fn it_never_exceeds_the_maximum() {
        let mut adaptive_prefetch = adaptive_prefetch(2);
        assert_eq!(adaptive_prefetch.prefetch(), 2);
        assert!((0..100).all(|_| adaptive_prefetch.record(1, QUICK).is_none()));
    }
}
