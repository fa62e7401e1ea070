//! The confirms and the returned messages of a channel on which is published.

use amiquip::ConfirmPayload;
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::channel::Channel;
use super::connection::Connection;
use super::errors::disconnected;
use crate::broker::{Confirm, Error, Event, Returned};

pub(super) struct Confirms<'c> {
    channel: &'c Channel,
    connection: &'c Connection,
    received: Receiver<amiquip::Confirm>,
    returned: Receiver<amiquip::Return>,
    /// A confirm that was received, and is polled after the returns that precede it.
    next_confirm: Option<Confirm>,
}

impl<'c> Confirms<'c> {
    /// Makes the broker confirm what is published on `channel`, a channel of `connection`.
    pub(super) fn enable(channel: &'c Channel, connection: &'c Connection) -> Result<Self, Error> {
        // amiquip drops confirms that arrive before it listens for them.
        let received = channel.call("listen for confirms", amiquip::Channel::listen_for_publisher_confirms)?;
        let returned = channel.call("listen for returns", amiquip::Channel::listen_for_returns)?;
        channel.call("enable confirms", amiquip::Channel::enable_publisher_confirms)?;
        Ok(Self { channel, connection, received, returned, next_confirm: None })
    }

    /// The next returned message or confirm, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Event>, Error> {
        if self.next_confirm.is_none() {
            self.next_confirm = match self.received.try_recv() {
                Ok(confirm) => Some(translate(confirm)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Err(self.error()),
            };
        }
        // amiquip queues a return before the confirm of its message: if there is none now, the confirm has none.
        if let Ok(returned) = self.returned.try_recv() {
            self.connection.read_limiter().release(returned.content.len());
            let message_id = returned.properties.message_id().clone();
            return Ok(Some(Event::Returned(Returned { to: returned.routing_key, message_id })));
        }
        Ok(self.next_confirm.take().map(Event::Confirm))
    }

    /// Adds what [`Self::poll`] polls.
    pub(super) fn add_to<'s>(&'s self, select: &mut Select<'s>) {
        select.recv(&self.received);
        select.recv(&self.returned);
    }

    /// Why the channel is closed: the next call on it tells.
    fn error(&self) -> Error {
        let result = self.channel.call("publish", amiquip::Channel::enable_publisher_confirms);
        result.err().unwrap_or_else(disconnected)
    }
}

fn translate(confirm: amiquip::Confirm) -> Confirm {
    let (ConfirmPayload { delivery_tag, multiple }, accepted) = match confirm {
        amiquip::Confirm::Ack(payload) => (payload, true),
        amiquip::Confirm::Nack(payload) => (payload, false),
    };
    Confirm { sequence: delivery_tag, multiple, accepted }
}
