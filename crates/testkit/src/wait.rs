//! Waiting for a state instead of sleeping and hoping.

use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything that should happen soon, on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// Long enough for tens of thousands of messages on a busy machine.
pub const LONG: Duration = Duration::from_secs(180);

/// What a look at the world gives: nothing yet, or what was waited for.
pub trait Poll {
    type Seen;

    fn seen(self) -> Option<Self::Seen>;
}

impl Poll for bool {
    type Seen = ();

    fn seen(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Poll for Option<T> {
    type Seen = T;

    fn seen(self) -> Self {
        self
    }
}

/// Looks again and again until it sees something, or the limit has passed.
pub fn poll<S: Poll>(limit: Duration, mut look: impl FnMut() -> S) -> Option<S::Seen> {
    let deadline = Instant::now() + limit;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(seen) = look().seen() {
            return Some(seen);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Like [`poll`], but a state that does not come fails the test: `what` completes "waited for …".
#[track_caller]
pub fn wait_until<S: Poll>(what: &str, limit: Duration, look: impl FnMut() -> S) -> S::Seen {
    poll(limit, look).unwrap_or_else(|| panic!("waited {limit:?} in vain for {what}"))
}
