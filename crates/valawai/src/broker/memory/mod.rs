//! A broker inside the process that behaves like RabbitMQ: for tests that need no server.

mod consume;
mod link;
mod session;
mod state;

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

pub use self::session::MemorySession;
use self::state::State;
use super::Error;

/// What the broker does with messages that are published to a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnPublish {
    /// Accepts and confirms them.
    #[default]
    Confirm,
    /// Accepts them, and withholds their confirms until this changes or the session ends.
    Withhold,
    /// Nacks them, as for a queue that is full.
    Nack,
}

/// The broker. Clones share their queues.
#[derive(Clone, Default)]
pub struct MemoryBroker {
    state: Arc<Mutex<State>>,
}

impl MemoryBroker {
    /// Opens a session with the broker.
    ///
    /// # Errors
    /// Never; the signature is that of a real broker.
    pub fn connect(&self) -> Result<MemorySession, Error> {
        let mut state = self.state();
        state.sessions += 1;
        Ok(MemorySession::new(self.clone(), state.sessions))
    }

    /// Breaks every open session, like a restart of the broker.
    pub fn lose_all_sessions(&self) {
        let mut state = self.state();
        state.ended_sessions = (1..=state.sessions).collect();
        state.wake_links();
    }

    /// The number of messages in `queue` that are not delivered, or `None` if it does not exist.
    #[must_use]
    pub fn depth(&self, queue: &str) -> Option<usize> {
        self.state().queues.get(queue).map(|queue| queue.ready.len())
    }

    /// The number of consumers of `queue`, 0 if it does not exist.
    #[must_use]
    pub fn consumers(&self, queue: &str) -> u32 {
        self.state().queues.get(queue).map_or(0, |queue| queue.consumers)
    }

    /// Sets what the broker does with messages that are published to `queue`. Declares the queue.
    pub fn on_publish(&self, queue: &str, on_publish: OnPublish) {
        let mut state = self.state();
        state.queues.entry(queue.to_owned()).or_default().on_publish = on_publish;
        state.wake_links();
    }

    /// Sets whether the broker refuses to declare `queue` as one of a component's own queues.
    pub fn forbid(&self, queue: &str, is_forbidden: bool) {
        let mut state = self.state();
        if is_forbidden {
            state.forbidden.insert(queue.to_owned());
        } else {
            state.forbidden.remove(queue);
        }
    }

    /// Makes the broker reject message bodies that are larger than `bytes`.
    pub fn limit_size(&self, bytes: usize) {
        self.state().max_size = Some(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}
