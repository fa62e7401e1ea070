//! What the fuzz targets call.

use amiquip::AmqpProperties;

use super::frames::FrameScanner;
use super::properties;
use crate::message::{Outgoing, Properties};

/// The size of the complete message bodies in a stream that arrives in `pieces`, or `None` if it is rejected.
pub fn scan<'b>(mut pieces: impl Iterator<Item = &'b [u8]>) -> Option<usize> {
    let mut frames = FrameScanner::default();
    pieces.try_fold(0, |sum, piece| frames.scan(piece).ok().map(|completed| sum + completed))
}

/// The properties of a delivery.
#[must_use]
pub fn properties_of(amqp: &AmqpProperties) -> Properties {
    properties::from_amqp(amqp, false)
}

/// The AMQP properties of `message`.
#[must_use]
pub fn properties_for(message: &Outgoing) -> AmqpProperties {
    properties::to_amqp(message)
}

/// The AMQP properties of a delivery that is forwarded to another queue.
#[must_use]
pub fn forwarded(amqp: &AmqpProperties, headers: &[(&str, &str)]) -> AmqpProperties {
    properties::forwarded(amqp, headers)
}
