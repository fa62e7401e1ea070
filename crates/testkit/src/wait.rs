//! Waiting for a state instead of sleeping for a fixed time.

use std::thread;
use std::time::{Duration, Instant};

/// The limit for a single state change, also on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// The limit for tens of thousands of messages on a busy machine.
pub const LONG: Duration = Duration::from_secs(180);

/// The result of one check: the state is not reached yet, or it is, with a value. Implemented for `bool` and `Option`.
pub trait Poll {
    /// What is known when the state is reached.
    type Value;

    /// The value, if the state is reached.
    fn into_value(self) -> Option<Self::Value>;
}

impl Poll for bool {
    type Value = ();

    fn into_value(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Poll for Option<T> {
    type Value = T;

    fn into_value(self) -> Self {
        self
    }
}

/// Repeats `check` until it returns a value. `None` when the limit has passed.
pub fn poll<P: Poll>(limit: Duration, mut check: impl FnMut() -> P) -> Option<P::Value> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(value) = check().into_value() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Like [`poll`], but fails the test when the limit has passed. `what` completes "waiting for …".
#[track_caller]
pub fn wait_until<P: Poll>(what: &str, limit: Duration, check: impl FnMut() -> P) -> P::Value {
    poll(limit, check).unwrap_or_else(|| panic!("timed out after {limit:?} waiting for {what}"))
}
