//! Moves messages: gets or consumes them, publishes them, and settles the deliveries.

use std::time::Duration;

use crossbeam_channel::Select;

use super::properties::MessageProperties;
use super::publishing::{Outcome, Publication, Publishing, Settled};
use super::{Operator, timed};
use crate::broker::amqp::channel::LinkChannels;
use crate::broker::amqp::subscriptions::Subscriptions;
use crate::broker::{Access, BYTES_IN_FLIGHT, ConsumeOn, Delivery, Error};
use crate::shutdown::Shutdown;

/// The channels of an [`OperatorLink`].
pub struct OperatorChannels(LinkChannels);

/// Consumes on one channel, and publishes on another. When it is dropped, what was delivered and not settled returns to its queue,
/// to where it was.
pub struct OperatorLink<'c> {
    pub(super) channels: &'c LinkChannels,
    pub(super) subscriptions: Subscriptions<'c>,
    publishing: Publishing<'c>,
}

/// A delivered message, to be settled by its tag.
#[derive(Debug)]
pub struct Received {
    /// The number of the delivery on its link, from 1.
    pub tag: u64,
    /// The exchange to which it was published; the default one has the empty name.
    pub exchange: String,
    /// The routing key with which it was published.
    pub key: String,
    /// Whether the broker delivered it before.
    pub redelivered: bool,
    /// The properties.
    pub properties: MessageProperties,
    /// The body.
    pub body: Vec<u8>,
}

/// What happens on a link.
#[derive(Debug)]
pub enum OperatorEvent {
    /// A message was delivered.
    Received(Box<Received>),
    /// The broker settled a published message.
    Settled(Settled),
}

impl Operator {
    /// Opens the channels of a link, on a connection of its own for consuming: other calls do not wait behind deliveries.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn open(&self) -> Result<OperatorChannels, Error> {
        let consume_on = ConsumeOn::Dedicated { buffer_limit: BYTES_IN_FLIGHT };
        timed("open a channel", || LinkChannels::open(&self.connections, consume_on)).map(OperatorChannels)
    }
}

impl Operator {
    /// Opens the channels of a link that can consume a [temporary queue](Self::declare_temporary), which belongs to the shared
    /// connection.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn open_shared(&self) -> Result<OperatorChannels, Error> {
        timed("open a channel", || LinkChannels::open(&self.connections, ConsumeOn::Shared)).map(OperatorChannels)
    }
}

impl<'c> OperatorLink<'c> {
    /// A link on these channels.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn new(OperatorChannels(channels): &'c OperatorChannels) -> Result<Self, Error> {
        let publishing =
            timed("enable confirms", || Publishing::new(&channels.publishing, &channels.publishing_connection))?;
        Ok(Self { channels, subscriptions: Subscriptions::new(channels), publishing })
    }

    /// Gets the next message of `queue`, or `None` if it is empty. The message waits until it is settled. Of several, only
    /// consumed ones return to a quorum queue in their order.
    ///
    /// # Errors
    /// [`Error::Denied`] if the queue does not exist, another consumer is exclusive, or the user may not read it.
    pub fn get(&mut self, queue: &str) -> Result<Option<Received>, Error> {
        let action = format!("get a message of the queue {queue}");
        let get = || self.channels.consuming.call(&action, |channel| channel.basic_get(queue, false));
        let Some(got) = timed(&action, get)? else { return Ok(None) };
        let delivery = self.subscriptions.add_unsettled(0, got.delivery);
        self.received(delivery).map(Some)
    }

    /// Starts to consume `queue`, with at most `prefetch` deliveries in flight; 0 stands for no limit.
    ///
    /// # Errors
    /// [`Error::Denied`] if the queue does not exist, or the user may not read it; [`Error::LockHeld`] if another consumer is
    /// exclusive.
    pub fn consume(&mut self, queue: &str, prefetch: u16) -> Result<(), Error> {
        timed(&format!("consume from the queue {queue}"), || {
            self.subscriptions.consume(queue, Access::Shared, prefetch)
        })
    }

    /// Publishes without waiting, and returns the number of the message on this link, from 1. It is written when the link waits,
    /// at the latest.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the broker would reject it, and nothing was published.
    pub fn publish(&mut self, publication: Publication<'_>) -> Result<u64, Error> {
        timed("publish a message", || self.publishing.publish(publication))
    }

    /// Publishes one message and waits until it is settled. `None` if that takes longer than `limit`, or if a shutdown was
    /// requested.
    ///
    /// # Errors
    /// As for [`Self::publish`].
    pub fn publish_and_wait(
        &mut self,
        publication: Publication<'_>,
        shutdown: &Shutdown,
        limit: Duration,
    ) -> Result<Option<Outcome>, Error> {
        timed("publish a message", || self.publishing.publish_and_wait(publication, shutdown, limit))
    }

    /// The next event, without waiting: what is settled first, deliveries only if `deliveries`.
    ///
    /// # Errors
    /// If the connection is lost, or a consumed queue was deleted.
    pub fn poll(&mut self, deliveries: bool) -> Result<Option<OperatorEvent>, Error> {
        if let Some(settled) = self.publishing.poll()? {
            return Ok(Some(OperatorEvent::Settled(settled)));
        }
        if !deliveries {
            return Ok(None);
        }
        let Some(delivery) = self.subscriptions.poll()? else { return Ok(None) };
        self.received(delivery).map(|received| Some(OperatorEvent::Received(Box::new(received))))
    }

    /// How many bytes were received so far: it grows while a large message arrives.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.channels.consuming_connection.read_limiter().bytes_read()
    }

    /// Writes what was published, and waits until there may be an event, `shutdown` was requested, or `limit` has passed.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn wait(&mut self, deliveries: bool, shutdown: &Shutdown, limit: Duration) -> Result<(), Error> {
        let retry = self.publishing.write()?;
        if self.publishing.is_settled() || deliveries && self.subscriptions.has_buffered() {
            return Ok(());
        }
        let mut select = Select::new();
        self.publishing.add_to(&mut select);
        if deliveries {
            for receiver in self.subscriptions.receivers() {
                select.recv(receiver);
            }
        }
        select.recv(shutdown.requested());
        let _ = select.ready_timeout(retry.map_or(limit, |retry| retry.min(limit)));
        Ok(())
    }

    /// Whether the broker accepts no messages for now, as in a memory alarm.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.publishing.is_blocked()
    }

    /// Acknowledges the delivery, which removes it from its queue.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle(tag)?;
        self.channels.consuming.write("acknowledge", |channel| delivery.ack(channel))
    }

    /// Acknowledges the delivery and each earlier one that is not settled.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle_up_to(tag)?;
        self.channels.consuming.write("acknowledge", |channel| delivery.ack_multiple(channel))
    }

    /// Returns the delivery to its queue: to where it was, or to the end of a quorum queue without a delivery limit.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle(tag)?;
        self.channels.consuming.write("requeue a message", |channel| delivery.nack(channel, true))
    }

    fn received(&self, delivery: Delivery) -> Result<Received, Error> {
        let Delivery { tag, message, .. } = delivery;
        let amqp = self.subscriptions.unsettled(tag)?;
        Ok(Received {
            tag,
            exchange: amqp.exchange.clone(),
            key: amqp.routing_key.clone(),
            redelivered: amqp.redelivered,
            properties: MessageProperties::from_amqp(amqp.properties.clone()),
            body: message.body,
        })
    }
}
