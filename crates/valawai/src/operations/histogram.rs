//! A histogram of durations.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Four buckets for each power of two: a quantile is at most a quarter too large.
const BUCKETS_OF_POWER: u32 = 4;
/// From a microsecond to more than an hour.
const POWERS: u32 = 32;
/// The powers of two that metrics tell apart: less than 8 µs to 67 s.
const FIRST_POWER: u32 = 2;
const LAST_POWER: u32 = 25;
const BUCKETS: usize = (POWERS * BUCKETS_OF_POWER) as usize;

/// Counts durations by their size, from any thread and without a lock.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_of_micros: AtomicU64,
    max_micros: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            sum_of_micros: AtomicU64::default(),
            max_micros: AtomicU64::default(),
        }
    }
}

impl Histogram {
    pub(super) fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(micros)].fetch_add(1, Ordering::Relaxed);
        self.sum_of_micros.fetch_add(micros, Ordering::Relaxed);
        if micros > self.max_micros.load(Ordering::Relaxed) {
            self.max_micros.fetch_max(micros, Ordering::Relaxed);
        }
    }

    /// The mean, or zero if nothing was recorded.
    pub(super) fn mean(&self) -> Duration {
        let count = self.count();
        let sum = self.sum_of_micros.load(Ordering::Relaxed);
        Duration::from_micros(sum.checked_div(count).unwrap_or_default())
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_micros(self.max_micros.load(Ordering::Relaxed))
    }

    /// The duration that `percent` of the recorded ones do not exceed, at most a quarter too large.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count.load(Ordering::Relaxed);
            if seen >= rank {
                return Duration::from_micros(end_of(bucket)).min(self.max());
            }
        }
        self.max()
    }

    /// The sum of all durations.
    pub(super) fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_of_micros.load(Ordering::Relaxed))
    }

    /// How many durations each power of two of microseconds adds, with its end in seconds: from 8 µs to 67 s. What is longer is
    /// counted with the end "infinite".
    pub(super) fn powers(&self) -> Vec<(f64, u64)> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let (counted, longer) = counts.split_at(((LAST_POWER + 1) * BUCKETS_OF_POWER) as usize);
        let (shortest, counted) = counted.split_at((FIRST_POWER * BUCKETS_OF_POWER) as usize);
        let mut sums: Vec<u64> = counted.chunks(BUCKETS_OF_POWER as usize).map(|power| power.iter().sum()).collect();
        sums[0] += shortest.iter().sum::<u64>();
        let ends = (FIRST_POWER..=LAST_POWER).map(|power| Duration::from_micros(2 << power).as_secs_f64());
        ends.zip(sums).chain([(f64::INFINITY, longer.iter().sum())]).collect()
    }

    fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }
}

/// The bucket of a duration: its highest bit, and the two bits after it.
fn bucket_of(micros: u64) -> usize {
    let power = micros.max(1).ilog2().min(POWERS - 1);
    let quarter = if power < 2 { micros << (2 - power) } else { micros >> (power - 2) } & 3;
    (power * BUCKETS_OF_POWER) as usize + usize::try_from(quarter).unwrap_or_default()
}

/// The largest duration of a bucket, in microseconds.
fn end_of(bucket: usize) -> u64 {
    let (power, quarter) = (bucket as u64 / u64::from(BUCKETS_OF_POWER), bucket as u64 % u64::from(BUCKETS_OF_POWER));
    (((quarter + 5) << power) >> 2).max(1).saturating_sub(u64::from(power >= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_histogram_has_zeros() {
        let histogram = Histogram::default();
        assert_eq!((histogram.mean(), histogram.max(), histogram.percentile(99)), Default::default());
    }

    #[test]
    fn each_duration_lies_in_a_bucket_that_ends_at_most_a_quarter_later() {
        for micros in (0..5000).chain([1 << 20, (1 << 31) - 1]) {
            let end = end_of(bucket_of(micros));
            assert!(end >= micros && end <= micros + micros / 4 + 1, "{micros} lies in the bucket that ends at {end}");
        }
    }

    #[test]
    fn a_duration_of_days_counts_as_the_longest() {
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(1_000_000));
        assert_eq!(histogram.max(), Duration::from_secs(1_000_000));
    }

    #[test]
    fn percentiles_rank_the_durations() {
        let histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.mean(), Duration::from_micros(500));
        assert_eq!(histogram.max(), Duration::from_micros(1000));
        for (percent, exact) in [(50, 500), (99, 990), (100, 1000)] {
            let found = histogram.percentile(percent).as_micros();
            assert!((exact..=exact + exact / 4).contains(&found), "{percent} %: {found}, not {exact}");
        }
    }

    #[test]
    fn each_duration_lies_below_the_end_of_its_power_and_not_below_the_one_before() {
        let all = Histogram::default().powers();
        assert_eq!((all[0].0, all[all.len() - 2].0, all.len()), (8e-6, 67.108_864, 25));
        for (micros, end) in
            [(0, 8e-6), (7, 8e-6), (8, 16e-6), (1023, 0.001_024), (1024, 0.002_048), (66_000_000, 67.108_864)]
        {
            let histogram = Histogram::default();
            histogram.record(Duration::from_micros(micros));
            let found = histogram.powers().into_iter().find(|(_, count)| *count == 1).map(|(end, _)| end);
            assert_eq!(found, Some(end), "{micros} µs");
        }
        let histogram = Histogram::default();
        histogram.record(Duration::from_secs(68));
        assert_eq!(histogram.powers().last(), Some(&(f64::INFINITY, 1)));
    }
}
