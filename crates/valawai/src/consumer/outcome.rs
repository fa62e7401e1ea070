//! What becomes of a delivery.

use super::retry::RetryQueue;
use crate::component::context::Routed;
use crate::message::{Message, Outgoing};
use crate::mov::log::Entry;
use crate::operations::channel_metrics::OutcomeKind;

/// What becomes of a delivery.
#[derive(Debug)]
pub enum Outcome {
    /// It is acknowledged when all of `messages`, which may be none, are confirmed.
    Publish {
        /// The messages to publish.
        messages: Vec<Outgoing>,
        /// Whether the last of them is the reply of the handler.
        has_reply: bool,
        /// What the handler sent to producers from configuration.
        routed: Vec<Routed>,
        /// What to log when they are confirmed.
        on_confirm: Vec<Entry>,
        /// The consumed message, in case one of the messages is too large to publish.
        message: Message,
    },
    /// It waits in `queue` for its next attempt.
    Retry {
        /// The body.
        body: Vec<u8>,
        /// The retry queue.
        queue: RetryQueue,
        /// How many attempts failed.
        attempts: u32,
        /// Why the last one failed.
        reason: String,
    },
    /// It is moved to the dead letters.
    DeadLetter(DeadLetter),
    /// It cannot be processed, and dead letters are not kept: it is acknowledged.
    Discard {
        /// The body.
        body: Vec<u8>,
        /// Why it cannot be processed.
        reason: String,
        /// Tells the sender of the request, if it was one.
        answer: Option<Box<Outgoing>>,
    },
    /// It returns to its queue and is delivered again.
    Requeue,
}

impl Outcome {
    /// Whether the handler succeeded.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Publish { .. })
    }

    /// The kind of the outcome, for the counters.
    #[must_use]
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Publish { .. } => OutcomeKind::Replied,
            Self::Retry { .. } => OutcomeKind::Retried,
            Self::DeadLetter(_) => OutcomeKind::DeadLettered,
            Self::Discard { .. } => OutcomeKind::Discarded,
            Self::Requeue => OutcomeKind::Requeued,
        }
    }

    /// Why the message failed, if it did.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Retry { reason, .. } | Self::Discard { reason, .. } => Some(reason),
            Self::DeadLetter(letter) => Some(&letter.reason),
            Self::Publish { .. } | Self::Requeue => None,
        }
    }
}

/// A message that cannot be processed, and why.
#[derive(Debug)]
pub struct DeadLetter {
    /// The body, unchanged.
    pub body: Vec<u8>,
    /// The dead-letter queue.
    pub to: String,
    /// The queue from which it was consumed.
    pub from: String,
    /// How many attempts failed.
    pub attempts: u32,
    /// Why it cannot be processed.
    pub reason: String,
    /// Tells the sender of the request, if it was one.
    pub answer: Option<Box<Outgoing>>,
}
