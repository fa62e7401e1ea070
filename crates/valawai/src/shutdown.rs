//! The request to stop, passed to every thread that can be stopped.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};

use crate::clock;
use crate::threads;

/// Longer than any process runs: the clock cannot represent every wait.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Requests a shutdown when it is dropped.
#[derive(Debug)]
pub struct ShutdownHandle {
    _sender: Sender<Infallible>,
}

/// Tells whether a shutdown was requested. Clones observe the same request.
///
/// ```
/// use std::time::{Duration, Instant};
/// # use serde_json::json;
/// # use valawai::{Component, testing};
/// # let asyncapi = valawai::internals::asyncapi::sample("c0/clock", &["publish data/tick"]);
///
/// let component = Component::new("1.0.0", asyncapi).source("data/tick", |publisher, shutdown| {
///     let mut next = Instant::now();
///     while !shutdown.wait_until(next) {
///         publisher.publish(&json!({ "tick": true }))?;
///         next += Duration::from_millis(10);
///     }
///     assert!(shutdown.is_requested() && shutdown.wait_for(Duration::MAX));
///     Ok(())
/// });
/// assert_eq!(testing::run(&component).receive("data/tick"), json!({ "tick": true }));
/// ```
#[derive(Debug, Clone)]
pub struct Shutdown {
    receiver: Receiver<Infallible>,
}

/// A handle, and what observes it.
#[must_use]
pub fn channel() -> (ShutdownHandle, Shutdown) {
    // Nothing is ever sent: a receiver notices that all senders are gone, and so does each of its clones.
    let (sender, receiver) = crossbeam_channel::bounded(0);
    (ShutdownHandle { _sender: sender }, Shutdown { receiver })
}

impl Shutdown {
    /// Whether the shutdown was requested. See the example of [`Shutdown`].
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.receiver.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Waits for the request until `deadline`, and returns whether it came. See the example of [`Shutdown`].
    #[must_use]
    pub fn wait_until(&self, deadline: Instant) -> bool {
        threads::receive_until(&self.receiver, deadline) == Err(RecvTimeoutError::Disconnected)
    }

    /// Waits for the request for at most `time`, and returns whether it came. See the example of [`Component::source`].
    ///
    /// [`Component::source`]: crate::Component::source
    #[must_use]
    pub fn wait_for(&self, time: Duration) -> bool {
        let now = clock::now();
        self.wait_until(now.checked_add(time).unwrap_or_else(|| now + CENTURY))
    }

    /// The channel to wait on in a `select!`: it is disconnected by the request.
    #[must_use]
    pub(crate) fn requested(&self) -> &Receiver<Infallible> {
        &self.receiver
    }
}
