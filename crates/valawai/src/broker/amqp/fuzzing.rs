//! What `fuzz/` reaches of this folder.

use amiquip::AmqpProperties;

use super::frames::FrameScanner;
use super::properties;
use crate::message::{Outgoing, Properties};

/// How many bytes of message bodies are in a stream that comes in `pieces`; `None` when it is refused.
pub fn follow<'b>(mut pieces: impl Iterator<Item = &'b [u8]>) -> Option<usize> {
    let mut frames = FrameScanner::new();
    pieces.try_fold(0, |sum, piece| frames.follow(piece).ok().map(|count| sum + count))
}

/// What is taken from the properties of a delivery.
#[must_use]
pub fn properties_of(amqp: &AmqpProperties) -> Properties {
    properties::taken_from(amqp)
}

/// The properties that an answer travels with.
#[must_use]
pub fn properties_for(message: &Outgoing) -> AmqpProperties {
    properties::made_for(message)
}

/// The properties that a delivery has when it is moved to another queue.
#[must_use]
pub fn forwarded(amqp: &AmqpProperties, headers: &[(&str, &str)]) -> AmqpProperties {
    properties::forwarded(amqp, headers)
}
