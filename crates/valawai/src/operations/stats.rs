//! Counters at one time, as operators get them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;

/// Counters of one channel at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStats {
    /// The short name: `data/received_message`, or `route/<name>`.
    pub channel: String,
    /// Messages that were delivered.
    pub received: u64,
    /// Messages whose handler succeeded.
    pub replied: u64,
    /// Failed attempts that are repeated.
    pub retried: u64,
    /// Messages that became dead letters.
    pub dead_lettered: u64,
    /// Messages that failed and were dropped, because dead letters are not kept, and what a producer dropped.
    pub discarded: u64,
    /// Messages that returned to their queue.
    pub requeued: u64,
    /// Messages of a source or a producer that the broker confirmed.
    pub published: u64,
    /// How long the handler runs.
    pub handler_time: HandlerTime,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// Whether it is paused.
    #[serde(default)]
    pub paused: bool,
}

/// How long a handler runs, in microseconds.
#[allow(clippy::struct_field_names, reason = "the unit belongs to the names in JSON")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandlerTime {
    /// The mean.
    pub mean_us: u64,
    /// The median, at most a quarter too large.
    pub p50_us: u64,
    /// Exceeded by one call in a hundred; at most a quarter too large.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// The last failure on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// Why it failed.
    pub reason: String,
    /// When, in seconds since 1970.
    pub at: u64,
}

impl HandlerTime {
    pub(super) fn of(histogram: &Histogram) -> Self {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self {
            mean_us: micros(histogram.mean()),
            p50_us: micros(histogram.percentile(50)),
            p99_us: micros(histogram.percentile(99)),
            max_us: micros(histogram.max()),
        }
    }
}
