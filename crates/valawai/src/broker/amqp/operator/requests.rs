//! Publishes requests, and receives their replies through RabbitMQ's direct reply-to, which needs no queue.

use std::time::Duration;

use amiquip::{Consumer, ConsumerMessage, ConsumerOptions};
use crossbeam_channel::{RecvTimeoutError, select};

use super::link::Received;
use super::properties::MessageProperties;
use super::publishing::{Outcome, Publication, Publishing};
use super::{Operator, timed};
use crate::broker::Error;
use crate::broker::amqp::channel::{CLOSE_LIMIT, Channel};
use crate::broker::amqp::connection::Connection;
use crate::broker::amqp::errors::{call_error, disconnected};
use crate::shutdown::Shutdown;

/// The pseudo-queue of the replies. Its deliveries must not be acknowledged.
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// The channel of [`Requests`].
pub struct RequestChannel<'o> {
    channel: Channel,
    connection: &'o Connection,
}

/// Publishes requests and receives their replies, on one channel as the broker requires it.
pub struct Requests<'c> {
    channel: &'c RequestChannel<'c>,
    consumer: Consumer<'c>,
    publishing: Publishing<'c>,
}

impl Operator {
    /// Opens the channel of [`Requests`].
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn open_for_requests(&self) -> Result<RequestChannel<'_>, Error> {
        let connection = &self.connections.shared;
        let channel = timed("open a channel", || connection.open_channel())?;
        Ok(RequestChannel { channel, connection })
    }
}

impl<'c> Requests<'c> {
    /// Listens for replies.
    ///
    /// # Errors
    /// If the broker does not answer.
    pub fn new(channel: &'c RequestChannel<'c>) -> Result<Self, Error> {
        let options = ConsumerOptions { no_ack: true, ..ConsumerOptions::default() };
        let listen = || channel.channel.call("listen for replies", |amqp| amqp.basic_consume(REPLY_TO, options));
        let consumer = timed("listen for replies", listen)?;
        let publishing = timed("enable confirms", || Publishing::new(&channel.channel, channel.connection))?;
        Ok(Self { channel, consumer, publishing })
    }

    /// Publishes a request, and waits until it is settled. Its `reply_to` is set. `None` if that takes longer than `limit`, or if
    /// a shutdown was requested.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn publish(
        &mut self,
        request: Publication<'_>,
        shutdown: &Shutdown,
        limit: Duration,
    ) -> Result<Option<Outcome>, Error> {
        let properties = request.properties.clone().with_reply_to(REPLY_TO);
        let request = Publication { properties: &properties, ..request };
        timed("publish a request", || self.publishing.publish_and_wait(request, shutdown, limit))
    }

    /// The next reply, or `None` if there is none within `limit` or a shutdown was requested.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn receive(&self, shutdown: &Shutdown, limit: Duration) -> Result<Option<Received>, Error> {
        let received = select! {
            recv(self.consumer.receiver()) -> message => message.map_err(|_| RecvTimeoutError::Disconnected),
            recv(shutdown.requested()) -> _ => Err(RecvTimeoutError::Timeout),
            default(limit) => Err(RecvTimeoutError::Timeout),
        };
        match received {
            Ok(ConsumerMessage::Delivery(delivery)) => {
                self.channel.connection.read_limiter().release(delivery.body.len());
                Ok(Some(Received {
                    tag: delivery.delivery_tag(),
                    exchange: delivery.exchange,
                    key: delivery.routing_key,
                    redelivered: delivery.redelivered,
                    properties: MessageProperties::from_amqp(delivery.properties),
                    body: delivery.body,
                }))
            }
            Ok(ConsumerMessage::ServerClosedChannel(error) | ConsumerMessage::ServerClosedConnection(error)) => {
                Err(call_error("receive replies", &error))
            }
            Ok(_) | Err(RecvTimeoutError::Disconnected) => Err(disconnected()),
            Err(RecvTimeoutError::Timeout) => Ok(None),
        }
    }
}

impl Drop for Requests<'_> {
    fn drop(&mut self) {
        // A consumer must not be dropped while it receives: it is cancelled, then drained up to its end, which may follow the reply
        // to the cancel.
        let receiver = self.consumer.receiver().clone();
        let cancelled = self.channel.channel.guard(CLOSE_LIMIT, |_| self.consumer.cancel());
        while cancelled.is_ok()
            && let Ok(ConsumerMessage::Delivery(_)) = receiver.recv_timeout(CLOSE_LIMIT)
        {}
    }
}
