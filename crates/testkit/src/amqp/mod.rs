//! A raw AMQP client for the other end of every exchange.

mod client;
mod exchanges;
mod message;
mod publisher;
mod receive;

pub use client::{Client, QueueInfo};
pub use message::{Message, Received};
pub use receive::{cancel_consumer, exclusive};
