//! What happens on a link.

use crate::message::Message;

/// What happens on a link.
#[derive(Debug)]
pub enum Event {
    /// A message was delivered.
    Delivery(Delivery),
    /// The broker accepted or rejected published messages.
    Confirm(Confirm),
    /// A published message found no queue. Its confirm follows.
    Returned(Returned),
}

/// A delivered message, to be settled by its tag.
#[derive(Debug)]
pub struct Delivery {
    /// The number of the delivery on its link, from 1.
    pub tag: u64,
    /// The queue it was delivered from: its index in the order of the calls of
    /// [`Consume::consume`](super::Consume::consume).
    pub consumer: usize,
    /// The message.
    pub message: Message,
}

/// The broker's answer to published messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    /// The number that [`Publish::publish`](super::Publish::publish) returned.
    pub sequence: u64,
    /// Whether it answers everything published before as well.
    pub multiple: bool,
    /// Whether the broker accepted it (ack), or rejected it (nack).
    pub accepted: bool,
}

/// A mandatory message for which there was no queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The queue it was published to.
    pub to: String,
    /// The message's identifier.
    pub message_id: Option<String>,
}
