//! Publishes on a channel, with or without confirms.

use super::channel::Channel;
use super::connection::Connection;
use super::properties;
use crate::broker::{Error, Publish};
use crate::message::Outgoing;

pub(super) struct Publisher<'c> {
    channel: &'c Channel,
    connection: &'c Connection,
    published: u64,
}

impl<'c> Publisher<'c> {
    pub(super) fn new(channel: &'c Channel, connection: &'c Connection) -> Self {
        Self { channel, connection, published: 0 }
    }

    /// Publishes, and returns the number of the message on this channel.
    pub(super) fn send(&mut self, publish: amiquip::Publish<'_>) -> Result<u64, Error> {
        self.check_size(publish.body.len())?;
        self.channel.write("publish", |channel| channel.basic_publish("", publish))?;
        self.published += 1;
        Ok(self.published)
    }
}

impl Publish for Publisher<'_> {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        self.send(amiquip::Publish {
            body: &message.body,
            routing_key: message.to.to_string(),
            mandatory: message.mandatory,
            immediate: false,
            properties: properties::to_amqp(message),
        })
    }

    fn check_size(&mut self, bytes: usize) -> Result<(), Error> {
        self.connection.size_limit().check(self.connection, bytes)
    }

    fn is_blocked(&self) -> bool {
        self.connection.is_blocked()
    }
}
