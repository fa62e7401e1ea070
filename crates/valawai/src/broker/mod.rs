//! What the rest of the kit knows of a broker.
//!
//! A [`Session`] is one life of the connections to the broker: when anything about it breaks, the session is over and the
//! next one starts from nothing. A [`Link`] is what one thread has of a session. Two brokers implement them and pass the
//! same contract suite: [`amqp`], which is RabbitMQ, and [`memory`], which is for tests.

pub mod amqp;
pub mod backoff;
mod error;
mod event;
mod link;
#[cfg(any(test, feature = "internals"))]
pub mod memory;

use std::time::Instant;

pub use error::Error;
pub use event::{Confirm, Delivery, Event, Returned};
pub use link::{Access, Consume, Link, OwnQueue, Publish, Queues};

/// How many bytes of messages all consumers of a session together aim to have in flight. With fewer, large messages wait
/// for confirms (docs/performance.md).
pub const BYTES_IN_FLIGHT: usize = 32 * 1024 * 1024;

/// The header that counts the failed attempts to process a message.
pub const ATTEMPTS: &str = "x-attempts";

/// How many messages of a queue [`Queues::browse`] looks at, at the most.
pub const MAX_BROWSED: usize = 100;

/// What a thread does with its link, or with the error if there is none.
pub type Job = Box<dyn FnOnce(Result<&mut dyn Link, Error>) + Send>;

/// What a thread does that only publishes.
pub type PublishJob = Box<dyn FnOnce(Result<&mut dyn Publish, Error>) + Send>;

/// One life of the connections to a broker.
pub trait Session: Send {
    /// Starts a thread called `name` that runs `job` with a link of its own. The link is opened on that thread, so that a
    /// broker that does not answer does not block the caller; it is closed when the job returns.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    fn spawn(&mut self, name: &str, consume_on: ConsumeOn, job: Job) -> Result<(), Error>;

    /// Starts a thread called `name` that runs `job` with a link that only publishes, and without confirms.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error>;

    /// Ends the session before `deadline`: waits for its threads and closes the connections if all threads ended, or shuts
    /// the sockets otherwise. Returns what broke the session, if anything did.
    fn close(self: Box<Self>, deadline: Instant) -> Option<Error>;
}

/// The connection on which a link consumes. Messages that wait for a slow handler fill their connection, and whatever comes
/// behind them waits too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeOn {
    /// A connection that other links and all questions to the broker use as well, for messages that are taken promptly.
    Shared,
    /// A connection of its own.
    Own {
        /// About how many bytes of bodies may wait in it to be taken.
        held_bytes: usize,
    },
}
