//! Timestamps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, rounded to the nearest, as in all of the MOV's messages.
pub(crate) fn epoch_seconds() -> u64 {
    let elapsed = since_epoch();
    elapsed.as_secs() + u64::from(elapsed.subsec_millis() >= 500)
}

pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
