//! Whether the main thread goes on.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::clock;

/// How often the main thread beats, also while it waits.
pub const PERIOD: Duration = Duration::from_secs(5);

/// When the main thread was seen last.
#[derive(Debug)]
pub struct Heartbeat(Mutex<Instant>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Mutex::new(clock::now()))
    }
}

impl Heartbeat {
    /// Records that the main thread goes on.
    pub fn beat(&self) {
        *self.0.lock() = clock::now();
    }

    /// How long ago that was.
    #[must_use]
    pub fn age(&self) -> Duration {
        clock::since(*self.0.lock())
    }
}
