//! Counters of what the component does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::histogram::Histogram;
use super::stats::{ChannelStats, HandlerTime, LastError};
use crate::clock;

/// The longest error that is kept, in bytes.
const LONGEST_ERROR: usize = 500;

/// The counters of a process.
#[derive(Debug, Default)]
pub struct Metrics {
    channels: RwLock<Vec<Arc<ChannelMetrics>>>,
    /// How many sessions were opened.
    sessions: AtomicU64,
    unroutable: AtomicU64,
    in_flight: AtomicUsize,
    acknowledged: AtomicU64,
    requeued: AtomicU64,
    settings_changes: AtomicU64,
    settings_failures: AtomicU64,
}

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

impl Metrics {
    pub(super) fn new<'n>(channels: impl IntoIterator<Item = &'n str>) -> Self {
        let metrics = Self::default();
        channels.into_iter().for_each(|name| drop(metrics.add(name)));
        metrics
    }

    /// Adds the counters of a channel or route, unless there are some by this name.
    pub fn add(&self, name: &str) -> Arc<ChannelMetrics> {
        self.channel(name).unwrap_or_else(|| {
            let channel = Arc::new(ChannelMetrics { name: name.to_owned(), ..ChannelMetrics::default() });
            self.channels.write().push(Arc::clone(&channel));
            channel
        })
    }

    /// The counters of a channel or route, by its short name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<Arc<ChannelMetrics>> {
        self.channels.read().iter().find(|channel| channel.name == name).cloned()
    }

    /// The counters of all channels and routes, as they go on.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<ChannelMetrics>> {
        self.channels.read().clone()
    }

    /// The counters of all channels now.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelStats> {
        self.channels.read().iter().map(|channel| channel.stats()).collect()
    }

    /// Records that a session was opened.
    pub fn count_session(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many sessions were opened.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed)
    }

    /// How often the connection was opened again.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.sessions.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Records a message that was published to a queue that does not exist.
    pub fn count_unroutable(&self) {
        self.unroutable.fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages were published to queues that do not exist.
    #[must_use]
    pub fn unroutable(&self) -> u64 {
        self.unroutable.load(Ordering::Relaxed)
    }

    /// How many deliveries are not acknowledged, about.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Records deliveries that were acknowledged.
    pub fn count_acknowledged(&self, count: u64) {
        self.acknowledged.fetch_add(count, Ordering::Relaxed);
    }

    /// How many deliveries were acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Records a delivery that was returned to its queue.
    pub fn count_requeued(&self) {
        self.requeued.fetch_add(1, Ordering::Relaxed);
    }

    /// How many deliveries were returned to their queues.
    #[must_use]
    pub fn requeued(&self) -> u64 {
        self.requeued.load(Ordering::Relaxed)
    }

    /// Records that changed settings took effect.
    pub fn count_settings_change(&self) {
        self.settings_changes.fetch_add(1, Ordering::Relaxed);
    }

    /// Records a setting that stays as it was, because its new value is invalid.
    pub fn count_settings_failure(&self) {
        self.settings_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// How often changed settings took effect, and how often one stayed as it was.
    #[must_use]
    pub fn settings(&self) -> (u64, u64) {
        (self.settings_changes.load(Ordering::Relaxed), self.settings_failures.load(Ordering::Relaxed))
    }

    /// The share of one thread in the deliveries that are not acknowledged.
    #[must_use]
    pub fn in_flight_gauge(&self) -> Gauge<'_> {
        Gauge { total: &self.in_flight, share: 0 }
    }
}

impl ChannelMetrics {
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

/// The share of one thread in a total. It is subtracted when the gauge is dropped.
#[derive(Debug)]
pub struct Gauge<'m> {
    total: &'m AtomicUsize,
    share: usize,
}

impl Gauge<'_> {
    /// Changes the share.
    pub fn set(&mut self, share: usize) {
        if share != self.share {
            // Wraps around for a smaller share, which subtracts.
            self.total.fetch_add(share.wrapping_sub(self.share), Ordering::Relaxed);
            self.share = share;
        }
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_counted_by_its_outcome() {
        let metrics = Metrics::new(["data/in", "data/out"]);
        let channel = metrics.channel("data/in").unwrap();
        for (outcome, count) in [(OutcomeKind::Replied, 3), (OutcomeKind::Retried, 2), (OutcomeKind::DeadLettered, 1)] {
            (0..count).for_each(|_| channel.record(Duration::from_micros(10), outcome));
        }
        channel.set_last_error("it is wrong");
        let stats = &metrics.channels()[0];
        assert_eq!((stats.received, stats.replied, stats.retried, stats.dead_lettered), (6, 3, 2, 1));
        assert_eq!(stats.handler_time.mean_us, 10);
        assert_eq!(stats.last_error.as_ref().unwrap().reason, "it is wrong");
    }

    #[test]
    fn the_total_of_a_gauge_is_the_sum_of_the_shares_of_running_threads() {
        let metrics = Metrics::default();
        let mut one = metrics.in_flight_gauge();
        let mut other = metrics.in_flight_gauge();
        one.set(5);
        other.set(3);
        one.set(2);
        assert_eq!(metrics.in_flight(), 5);
        drop(one);
        assert_eq!(metrics.in_flight(), 3);
    }
}
