//! Why a broker cannot be used.

use std::time::Duration;

/// Why the broker could not be reached, or why a session ended. None of these is final: the next session may succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No address of the host accepted the connection.
    #[error(
        "cannot reach the broker at {address}: {reason}; check RABBITMQ_HOST and RABBITMQ_PORT, and that the broker is running"
    )]
    Unreachable {
        /// The host and port.
        address: String,
        /// The error of the last attempt.
        reason: String,
    },
    /// The broker rejected the login or the virtual host.
    #[error("the broker at {address} rejected the connection: {reason}")]
    Rejected {
        /// The host and port.
        address: String,
        /// The broker's reason, and the remedy.
        reason: String,
    },
    /// There is no TLS connection: one side does not trust the other, or a file is wrong. No login was sent.
    #[error("no TLS connection with the broker at {address}: {reason}")]
    Insecure {
        /// The host and port.
        address: String,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// Another consumer has exclusive access to a queue.
    #[error("another process has exclusive access to the queue {queue}")]
    LockHeld {
        /// The queue.
        queue: String,
    },
    /// A consumed queue does not exist any more.
    #[error("the queue {queue} was deleted, or its node is down")]
    QueueGone {
        /// The queue.
        queue: String,
    },
    /// The broker refused an operation, and closed the channel.
    #[error("the broker refused to {action}: {reason}")]
    Denied {
        /// The operation.
        action: String,
        /// The broker's reason.
        reason: String,
    },
    /// A message is larger than the broker accepts.
    #[error(
        "a message of {bytes} bytes is larger than the broker accepts ({reason}); raise its max_message_size, or send smaller messages"
    )]
    TooLarge {
        /// The size of the message's body.
        bytes: usize,
        /// The broker's reason.
        reason: String,
    },
    /// The broker did not answer a call in time.
    #[error("the broker did not {action} within {seconds} s; it may be frozen, overloaded or in an alarm")]
    TimedOut {
        /// The operation.
        action: String,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the connection to the broker was lost: {reason}")]
    Lost {
        /// The cause, as far as it is known.
        reason: String,
    },
    /// The session must be reopened although its connections still work.
    #[error("{reason}")]
    ReopenRequired {
        /// Why.
        reason: &'static str,
    },
}

impl Error {
    /// An [`Error::Lost`] with this reason.
    pub fn lost(reason: impl std::fmt::Display) -> Self {
        Self::Lost { reason: reason.to_string() }
    }

    /// An [`Error::TimedOut`] with this operation and limit.
    #[must_use]
    pub fn timed_out(action: &str, limit: Duration) -> Self {
        Self::TimedOut { action: action.to_owned(), seconds: limit.as_secs() }
    }

    /// [`Error::Lost`], because `tag` is not that of an unsettled delivery.
    pub(super) fn not_in_flight(tag: u64) -> Self {
        Self::lost(format!("the delivery {tag} is not in flight"))
    }
}
