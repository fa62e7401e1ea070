//! The load on the broker while a contestant runs: prepares queues, publishes, consumes and measures round trips.

mod body;
mod consumer;
mod probe;
mod publisher;
mod queues;

pub(crate) use body::message_body;
pub(crate) use consumer::{Arrivals, Consumer};
pub(crate) use probe::Probe;
pub(crate) use publisher::Publisher;
pub(crate) use queues::Queues;
