//! A broker inside the process that behaves like RabbitMQ: for tests that need no server.

mod consume;
mod link;
mod session;
mod state;

use std::sync::Arc;
#[cfg(test)]
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};

pub use self::session::MemorySession;
use self::state::State;
use super::Error;
#[cfg(test)]
use super::{ConsumeOn, Job, Link, Session};
use crate::message::Message;

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
        for session in 1..=state.sessions {
            state.end_session(session);
        }
    }

    /// Declares `queue`.
    pub fn declare(&self, queue: &str) {
        self.state().queues.entry(queue.to_owned()).or_default();
    }

    /// Adds `message` to `queue`, which is declared.
    pub fn add(&self, queue: &str, message: Message) {
        let mut state = self.state();
        state.queues.entry(queue.to_owned()).or_default().add(message);
        state.wake_links();
    }

    /// The number of messages in `queue` that are not acknowledged, delivered or not.
    #[must_use]
    pub fn unacknowledged(&self, queue: &str) -> usize {
        self.state().queues.get(queue).map_or(0, |queue| queue.ready.len() + queue.delivered)
    }

    /// The messages in `queue` that are not delivered, from the oldest.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        self.state().queues.get(queue).map_or(Vec::new(), |queue| queue.ready.values().cloned().collect())
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

/// What only the tests of the library need.
#[cfg(any(test, feature = "internals", fuzzing))]
impl MemoryBroker {
    /// The number of messages in `queue` that are not delivered, or `None` if it does not exist.
    #[must_use]
    pub fn depth(&self, queue: &str) -> Option<usize> {
        self.state().queues.get(queue).map(|queue| queue.ready.len())
    }

    /// Removes the messages in `queue` that are not delivered, and returns their number.
    #[must_use]
    pub fn purge(&self, queue: &str) -> usize {
        self.state().queues.get_mut(queue).map_or(0, |queue| std::mem::take(&mut queue.ready).len())
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
}

/// Runs `job` with a link of its own, and returns its result when the link is closed.
#[cfg(test)]
pub(crate) fn with_link<T: Send + 'static>(
    broker: &MemoryBroker,
    job: impl FnOnce(&mut dyn Link) -> T + Send + 'static,
) -> T {
    const LIMIT: Duration = Duration::from_secs(30);
    let (sender, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect().unwrap();
    let job: Job = Box::new(move |link| sender.send(job(link.unwrap())).unwrap());
    session.spawn("test", ConsumeOn::Shared, job).unwrap();
    let result = result.recv_timeout(LIMIT).expect("the job did not end");
    // What the link has not settled is back in its queue only now.
    Box::new(session).close(Instant::now() + LIMIT);
    result
}
