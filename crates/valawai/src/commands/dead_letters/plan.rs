//! What is to be moved, and to where.

use super::letter::Letter;
use crate::broker::amqp::operator::Received;
use crate::commands::messages::Filter;

/// Which messages of a queue are published again, and where.
pub(in crate::commands) struct Plan {
    /// The queue that has them.
    pub(in crate::commands) from: String,
    /// Where they are published.
    pub(in crate::commands) to: Destination,
    /// How many are published, at most.
    pub(in crate::commands) count: Option<u64>,
    /// How many were there at the start. Later ones are left, so that a message that dies again is not moved again.
    pub(in crate::commands) waiting: u64,
    /// Go on with what arrives later, each message once.
    pub(in crate::commands) follow: bool,
    /// Which are moved.
    pub(in crate::commands) filters: Vec<Filter>,
    /// How many a second, at most.
    pub(in crate::commands) rate: Option<f64>,
    /// Whether the count of their attempts is kept.
    pub(in crate::commands) keep_attempts: bool,
    /// Those with more attempts are left.
    pub(in crate::commands) max_attempts: Option<u64>,
}

/// Where messages are published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Destination {
    /// To where they came from, if that queue's name begins with `prefix`. Whoever can publish can write the headers that tell
    /// where a message came from.
    Origin { prefix: String },
    /// All to one exchange with one key; without a key, each with its own.
    Fixed { exchange: String, key: Option<String> },
}

/// Why a message is left in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Left {
    /// `--where` excludes it.
    Filtered,
    /// `--max-retries` excludes it.
    TooManyAttempts,
    /// `--follow` has moved it before.
    MovedBefore,
    /// No header tells where it came from.
    UnknownOrigin,
    /// It came from a queue of another component, or from this queue.
    ForeignOrigin,
    /// Where it belongs, there is no queue.
    Unroutable,
    /// The broker rejected it.
    Rejected,
    /// It is larger than the broker accepts.
    TooLarge,
}

impl Left {
    /// The name in JSON, and what to do.
    pub(super) fn explanation(self) -> (&'static str, &'static str) {
        match self {
            Self::Filtered => ("filtered", "excluded by --where"),
            Self::TooManyAttempts => ("too_many_attempts", "excluded by --max-retries"),
            Self::MovedBefore => ("moved_before", "moved before by this command, and dead again"),
            Self::UnknownOrigin => {
                ("unknown_origin", "without a header that tells where they came from; add --to QUEUE")
            }
            Self::ForeignOrigin => ("foreign_origin", "from this queue or from another component; add --to QUEUE"),
            Self::Unroutable => ("unroutable", "whose queue does not exist; start their component, or add --to QUEUE"),
            Self::Rejected => ("rejected", "rejected by the broker; their queue may be full"),
            Self::TooLarge => ("too_large", "larger than the broker accepts"),
        }
    }

    /// Whether it is left because the caller wanted so.
    pub(super) fn is_wanted(self) -> bool {
        matches!(self, Self::Filtered | Self::TooManyAttempts | Self::MovedBefore)
    }
}

impl Plan {
    /// The exchange and the key to which `message` is published, or why it is left.
    pub(super) fn destination(&self, message: &Received) -> Result<(String, String), Left> {
        if !Filter::all(&self.filters, &message.properties, &message.body) {
            return Err(Left::Filtered);
        }
        let letter = Letter::read(&message.properties);
        if self.max_attempts.is_some_and(|max| letter.attempts.unwrap_or_default() > max) {
            return Err(Left::TooManyAttempts);
        }
        let (exchange, key) = match &self.to {
            Destination::Origin { prefix } => {
                let origin = letter.original_queue.filter(|origin| !origin.is_empty()).ok_or(Left::UnknownOrigin)?;
                if !origin.starts_with(prefix) {
                    return Err(Left::ForeignOrigin);
                }
                (String::new(), origin)
            }
            Destination::Fixed { exchange, key } => {
                (exchange.clone(), key.clone().unwrap_or_else(|| message.key.clone()))
            }
        };
        // It would come back for ever.
        if exchange.is_empty() && key == self.from { Err(Left::ForeignOrigin) } else { Ok((exchange, key)) }
    }

    /// What the plan does, for the question before it.
    pub(super) fn description(&self) -> String {
        let count = self.count.map_or(self.waiting, |count| count.min(self.waiting));
        let which = match (self.filters.is_empty(), self.follow) {
            (_, true) => "the messages".to_owned(),
            (true, false) => format!("{count} messages"),
            (false, false) => format!("those of {} messages that match, up to {count},", self.waiting),
        };
        let to = match &self.to {
            Destination::Origin { .. } => "where they came from".to_owned(),
            Destination::Fixed { exchange, key } => {
                let key = key.as_deref().unwrap_or("their own keys");
                if exchange.is_empty() { key.to_owned() } else { format!("the exchange {exchange} with {key}") }
            }
        };
        format!("This moves {which} from {} to {to}.", self.from)
    }
}
