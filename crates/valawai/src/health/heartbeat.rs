//! Whether the main thread goes on.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often the main thread beats, also while it waits.
pub const PERIOD: Duration = Duration::from_secs(5);

/// When the main thread was seen last.
#[derive(Debug)]
pub struct Heartbeat(Mutex<Instant>);

impl Default for Heartbeat {
    fn default() -> Self {
        Self(Mutex::new(Instant::now()))
    }
}

impl Heartbeat {
    /// Records that the main thread goes on.
    pub fn beat(&self) {
        *self.0.lock() = Instant::now();
    }

    /// How long ago that was.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.0.lock().elapsed()
    }
}
