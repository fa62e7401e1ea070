//! What can break between us and a broker.

/// Why the broker could not be reached, or why a session ended. None of these is final: the next session may do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No address of the host took the connection.
    #[error("cannot reach the broker at {address}: {reason}; check RABBITMQ_HOST and RABBITMQ_PORT, and that it runs")]
    Unreachable {
        /// The host and port that were tried.
        address: String,
        /// What the last try said.
        reason: String,
    },
    /// The broker answered and would not have us.
    #[error("the broker at {address} refused the connection: {reason}")]
    Refused {
        /// The host and port that were tried.
        address: String,
        /// The broker's reason, and the remedy.
        reason: String,
    },
    /// A queue is heard exclusively by somebody else.
    #[error("the queue {queue} is in exclusive use by another process")]
    LockHeld {
        /// The queue.
        queue: String,
    },
    /// A queue that was being heard is gone.
    #[error("the queue {queue} was deleted, or its node went away")]
    QueueGone {
        /// The queue.
        queue: String,
    },
    /// The broker refused an operation and closed the channel.
    #[error("the broker refused to {action}: {reason}")]
    Denied {
        /// What was asked.
        action: String,
        /// The broker's reason.
        reason: String,
    },
    /// A message is larger than the broker takes.
    #[error(
        "a message of {bytes} bytes is larger than the broker takes ({reason}); raise its max_message_size, or say less"
    )]
    TooLarge {
        /// The size of the message's body.
        bytes: usize,
        /// The broker's reason.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to the broker was lost: {reason}")]
    Lost {
        /// What is known of the cause.
        reason: String,
    },
    /// The connection works, and a new one would work better.
    #[error("{reason}")]
    ReopenRequired {
        /// Why.
        reason: &'static str,
    },
}

impl Error {
    /// [`Error::Lost`], because of `reason`.
    pub fn lost(reason: impl std::fmt::Display) -> Self {
        Self::Lost { reason: reason.to_string() }
    }
}
