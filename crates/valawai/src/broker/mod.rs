//! The interface between the kit and a broker.
//!
//! A [`Session`] owns the connections to the broker: when one of them breaks, the session is over, and the next one
//! shares no state with it. A [`Link`] is what one thread uses of a session. Two brokers implement them and pass the
//! same contract suite: [`amqp`] is RabbitMQ, and `memory` is for tests.

pub mod amqp;
pub mod backoff;
mod error;
mod event;
mod link;
pub mod memory;

use std::time::Instant;

pub use error::Error;
pub use event::{Confirm, Delivery, Event, Returned};
pub use link::{Access, Consume, Declared, Link, OwnQueue, Publish, Queues};

/// How many bytes of messages all consumers of a session together aim to have in flight. With fewer, large messages
/// wait for confirms (docs/performance.md).
pub const BYTES_IN_FLIGHT: usize = 32 * 1024 * 1024;

/// The topic exchange through which operators talk to running processes. The default exchange reaches one process only.
pub const SERVICE_EXCHANGE: &str = "valawai.service";

/// The header that counts the failed attempts to process a message.
pub const ATTEMPTS: &str = "x-attempts";

/// The header of a message that was delayed as its `x-delay` wants.
pub const DELAYED: &str = "x-delayed";

/// The maximum number of messages that [`Queues::browse`] reads.
pub const MAX_BROWSED: usize = 100;

/// What a thread runs with its link, or with the error if the link could not be opened.
pub type Job = Box<dyn FnOnce(Result<&mut dyn Link, Error>) + Send>;

/// What a thread that only publishes runs.
pub type PublishJob = Box<dyn FnOnce(Result<&mut dyn Publish, Error>) + Send>;

/// The connections to a broker, until one of them breaks.
pub trait Session: Send {
    /// Starts a thread called `name` that runs `job` with a link of its own. The link is opened on that thread, so that
    /// a broker that does not answer does not block the caller; it is closed when the job returns.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    fn spawn(&mut self, name: &str, consume_on: ConsumeOn, job: Job) -> Result<(), Error>;

    /// Starts a thread called `name` that runs `job` with a link that only publishes, and without confirms.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error>;

    /// Ends the session before `deadline`: waits for its threads, and closes the connections, or shuts down their
    /// sockets if a thread is still running. Returns what broke the session, if anything did.
    fn close(self: Box<Self>, deadline: Instant) -> Option<Error>;
}

/// The connection on which a link consumes. Deliveries that wait for a slow handler fill their connection, and delay
/// everything behind them on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeOn {
    /// The connection for queries to the broker and for other links: for messages that are processed quickly.
    Shared,
    /// A connection of its own.
    Dedicated {
        /// About how many bytes of message bodies are buffered before the connection stops reading.
        buffer_limit: usize,
    },
}
