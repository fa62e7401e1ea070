//! Queues and exchanges.

use amiquip::{FieldTable, QueueDeclareOptions, QueueDeleteOptions};

use super::{Operator, timed};
use crate::broker::amqp::channel::Channel;
use crate::broker::amqp::inspector::{Inspection, Inspector};
use crate::broker::amqp::queues;
use crate::broker::{Error, OwnQueue};

/// The counts of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueState {
    /// Messages that are ready for delivery. Delivered ones that are not acknowledged do not count.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

impl Operator {
    /// The counts of `queue`, or `None` if it does not exist. It is not created.
    ///
    /// # Errors
    /// If the broker refuses to tell, or does not answer.
    pub fn inspect(&self, queue: &str) -> Result<Option<QueueState>, Error> {
        let action = format!("inspect the queue {queue}");
        match timed(&action, || Inspector::new(&self.connections.shared).inspect(queue))? {
            Inspection::Found { messages, consumers } => Ok(Some(QueueState { messages, consumers })),
            Inspection::Refused { reason } if reason.contains("no queue") => Ok(None),
            Inspection::Refused { reason } => Err(Error::Denied { action, reason }),
        }
    }

    /// Declares `queue` durable; the default options are those of a channel of the platform.
    ///
    /// # Errors
    /// [`Error::Denied`] if it exists with other arguments, or the user may not declare it.
    pub fn declare(&self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let channel = self.connections.shared.open_channel()?;
        timed(&format!("declare the queue {queue}"), || queues::declare(&channel, queue, options))
    }

    /// Declares a queue that only this connection uses, and that is deleted with it. Returns its name.
    ///
    /// # Errors
    /// [`Error::Denied`] if the user may not declare it.
    pub fn declare_temporary(&self) -> Result<String, Error> {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        self.call("declare a temporary queue", |channel| {
            channel.queue_declare("", options).map(|queue| queue.name().to_owned())
        })
    }

    /// Binds `queue` to `exchange` with `key`.
    ///
    /// # Errors
    /// [`Error::Denied`] if one of them does not exist, or the user may not bind them.
    pub fn bind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), Error> {
        let action = format!("bind the queue {queue} to the exchange {exchange}");
        self.call(&action, |channel| channel.queue_bind(queue, exchange, key, FieldTable::new()))
    }

    /// Deletes `queue`; a queue with messages only if `with_messages`. Returns how many messages were deleted.
    ///
    /// # Errors
    /// [`Error::Denied`] if it has messages, or the user may not delete it.
    pub fn delete(&self, queue: &str, with_messages: bool) -> Result<u32, Error> {
        let options = QueueDeleteOptions { if_empty: !with_messages, if_unused: false };
        self.call(&format!("delete the queue {queue}"), |channel| channel.queue_delete(queue, options))
    }

    /// Makes `call` on a channel of its own, because the broker closes the channel of a call that it refuses.
    fn call<T>(&self, action: &str, call: impl FnOnce(&amiquip::Channel) -> amiquip::Result<T>) -> Result<T, Error> {
        let channel: Channel = timed(action, || self.connections.shared.open_channel())?;
        timed(action, || channel.call(action, call))
    }
}
