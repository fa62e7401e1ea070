//! Counters of what the process does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::RwLock;

use super::channel_metrics::ChannelMetrics;
use super::gauge::Gauge;
use super::stats::ChannelStats;

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

impl Metrics {
    pub(super) fn new<'n>(channels: impl IntoIterator<Item = &'n str>) -> Self {
        let metrics = Self::default();
        channels.into_iter().for_each(|name| drop(metrics.add(name)));
        metrics
    }

    /// Adds the counters of a channel or route, unless there are some by this name.
    pub fn add(&self, name: &str) -> Arc<ChannelMetrics> {
        self.channel(name).unwrap_or_else(|| {
            let channel = Arc::new(ChannelMetrics::new(name));
            self.channels.write().push(Arc::clone(&channel));
            channel
        })
    }

    /// The counters of a channel or route, by its short name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<Arc<ChannelMetrics>> {
        self.channels.read().iter().find(|channel| channel.name() == name).cloned()
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
        Gauge::new(&self.in_flight)
    }
}
