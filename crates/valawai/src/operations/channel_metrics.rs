//! Counters of what one channel does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::histogram::Histogram;
use super::stats::{ChannelStats, HandlerTime, LastError};
use crate::clock;

/// The longest error that is kept, in bytes.
const LONGEST_ERROR: usize = 500;

/// The counters of one channel.
#[derive(Debug, Default)]
pub struct ChannelMetrics {
    name: String,
    received: AtomicU64,
    replied: AtomicU64,
    retried: AtomicU64,
    dead_lettered: AtomicU64,
    discarded: AtomicU64,
    requeued: AtomicU64,
    published: AtomicU64,
    handler_time: Histogram,
    last_error: Mutex<Option<LastError>>,
}

/// What became of a delivered message: its outcome, without the contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// Its handler succeeded; what it published is confirmed, or will be.
    Replied,
    /// It waits for another attempt.
    Retried,
    /// It became a dead letter.
    DeadLettered,
    /// It was dropped, because dead letters are not kept.
    Discarded,
    /// It returned to its queue.
    Requeued,
}

impl ChannelMetrics {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Records a delivered message, how long its handler ran, and what became of it.
    pub fn record(&self, took: Duration, outcome: OutcomeKind) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.handler_time.record(took);
        let counter = match outcome {
            OutcomeKind::Replied => &self.replied,
            OutcomeKind::Retried => &self.retried,
            OutcomeKind::DeadLettered => &self.dead_lettered,
            OutcomeKind::Discarded => &self.discarded,
            OutcomeKind::Requeued => &self.requeued,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Records a message of a source or a producer that the broker confirmed.
    pub fn count_published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Records a message that a producer dropped.
    pub fn count_dropped(&self) {
        self.discarded.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps the reason of a failure.
    pub fn set_last_error(&self, reason: &str) {
        let reason = reason[..reason.floor_char_boundary(LONGEST_ERROR)].to_owned();
        *self.last_error.lock() = Some(LastError { reason, at: clock::seconds() });
    }

    /// The short name: `data/received_message`, or `route/<name>`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long the handler ran in all.
    #[must_use]
    pub fn handler_time(&self) -> Duration {
        self.handler_time.sum()
    }

    /// How many calls of the handler took at most so many seconds, and longer than those before.
    #[must_use]
    pub fn handler_times(&self) -> Vec<(f64, u64)> {
        self.handler_time.powers()
    }

    /// The counters now.
    #[must_use]
    pub fn stats(&self) -> ChannelStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ChannelStats {
            channel: self.name.clone(),
            received: count(&self.received),
            replied: count(&self.replied),
            retried: count(&self.retried),
            dead_lettered: count(&self.dead_lettered),
            discarded: count(&self.discarded),
            requeued: count(&self.requeued),
            published: count(&self.published),
            handler_time: HandlerTime::of(&self.handler_time),
            last_error: self.last_error.lock().clone(),
            paused: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_counted_by_its_outcome() {
        let channel = ChannelMetrics::new("data/in");
        for (outcome, count) in [(OutcomeKind::Replied, 3), (OutcomeKind::Retried, 2), (OutcomeKind::DeadLettered, 1)] {
            (0..count).for_each(|_| channel.record(Duration::from_micros(10), outcome));
        }
        channel.set_last_error("it is wrong");
        let stats = channel.stats();
        assert_eq!((stats.received, stats.replied, stats.retried, stats.dead_lettered), (6, 3, 2, 1));
        assert_eq!(stats.handler_time.mean_us, 10);
        assert_eq!(stats.last_error.as_ref().unwrap().reason, "it is wrong");
    }
}
