//! The time of day, as messages and logs carry it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970; 0 if the clock is set to an earlier time.
pub(crate) fn seconds() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970; 0 if the clock is set to an earlier time.
pub(crate) fn milliseconds() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or_default()
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
