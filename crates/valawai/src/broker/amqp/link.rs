//! What one thread has of a session: a channel to consume on and a channel to publish on.

use std::time::Duration;

use amiquip::ConfirmPayload;
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::connection::{CALL_LIMIT, CLOSE_LIMIT, Channel};
use super::explain::lost;
use super::publisher::Publisher;
use super::subscriptions::Subscriptions;
use super::{Channels, properties, queues};
use crate::broker::{Access, Confirm, Consume, Error, Event, Link, OwnQueue, Publish, Queues, Returned};
use crate::message::{Message, Outgoing};
use crate::shutdown::Shutdown;

pub(super) struct AmqpLink<'c> {
    channels: &'c Channels,
    subscriptions: Subscriptions<'c>,
    publisher: Publisher<'c>,
    confirms: Receiver<amiquip::Confirm>,
    returns: Receiver<amiquip::Return>,
    /// A confirm that is polled after the returns that belong to it.
    pending: Option<Confirm>,
    /// Passive declares close their channel if there is no such queue: so they have one of their own.
    probe: Option<Channel>,
}

/// What the broker says of a queue.
enum Inspected {
    Found { consumers: u32 },
    Refused { reason: String },
}

impl<'c> AmqpLink<'c> {
    pub(super) fn new(channels: &'c Channels) -> Result<Self, Error> {
        let publishing = &channels.publishing;
        // amiquip drops confirms that arrive before it listens for them.
        let confirms = publishing.ask("listen for confirms", amiquip::Channel::listen_for_publisher_confirms)?;
        let returns = publishing.ask("listen for returns", amiquip::Channel::listen_for_returns)?;
        publishing.ask("enable confirms", amiquip::Channel::enable_publisher_confirms)?;
        Ok(Self {
            channels,
            subscriptions: Subscriptions::new(channels),
            publisher: Publisher::new(publishing, &channels.publishing_connection),
            confirms,
            returns,
            pending: None,
            probe: None,
        })
    }

    fn poll_published(&mut self) -> Result<Option<Event>, Error> {
        if self.pending.is_none() {
            self.pending = match self.confirms.try_recv() {
                Ok(confirm) => Some(translate(confirm)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Err(lost()),
            };
        }
        // A return is queued before the confirm of its message. When there is none now, the pending confirm has none.
        if let Ok(returned) = self.returns.try_recv() {
            self.channels.publishing_connection.read_limiter().taken(returned.content.len());
            let message_id = returned.properties.message_id().clone();
            return Ok(Some(Event::Returned(Returned { to: returned.routing_key, message_id })));
        }
        Ok(self.pending.take().map(Event::Confirm))
    }

    fn inspect(&mut self, queue: &str) -> Result<Inspected, Error> {
        let probe = match self.probe.take() {
            Some(probe) => probe,
            None => self.channels.control_connection.open_channel()?,
        };
        let action = format!("inspect the queue {queue}");
        let declare = |channel: &amiquip::Channel| {
            channel.queue_declare_passive(queue).map(|found| found.declared_consumer_count().unwrap_or(0))
        };
        match probe.ask(&action, declare) {
            Ok(consumers) => {
                self.probe = Some(probe);
                Ok(Inspected::Found { consumers })
            }
            Err(Error::Denied { reason, .. }) => Ok(Inspected::Refused { reason }),
            Err(error) => Err(error),
        }
    }
}

impl Queues for AmqpLink<'_> {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        queues::declare(&self.channels.consuming, queue, &OwnQueue::default())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        // If the queue exists with other arguments, the broker closes the channel: so this is a channel for nothing else.
        queues::declare(&self.channels.control_connection.open_channel()?, queue, options)
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        queues::browse(&self.channels.control_connection, queue, take)
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        match self.inspect(queue)? {
            Inspected::Found { consumers } => Ok(Some(consumers)),
            Inspected::Refused { .. } => Ok(None),
        }
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        match self.inspect(queue)? {
            Inspected::Found { .. } => Ok(false),
            Inspected::Refused { reason } => Ok(reason.contains("no queue")),
        }
    }
}

impl Publish for AmqpLink<'_> {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        self.publisher.publish(message)
    }

    fn check_size(&mut self, bytes: usize) -> Result<(), Error> {
        self.publisher.check_size(bytes)
    }

    fn is_blocked(&self) -> bool {
        self.publisher.is_blocked()
    }
}

impl Consume for AmqpLink<'_> {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.subscriptions.consume(queue, access, prefetch)
    }

    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.subscriptions.set_prefetch(consumer, prefetch)
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        self.subscriptions.cancel_within(CALL_LIMIT)
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let properties = properties::forwarded(&self.subscriptions.unsettled(tag)?.properties, headers);
        self.publisher.send(amiquip::Publish {
            body,
            routing_key: to.to_owned(),
            mandatory: true,
            immediate: false,
            properties,
        })
    }

    fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle(tag)?;
        self.channels.consuming.write("acknowledge", |channel| delivery.ack(channel))
    }

    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle_up_to(tag)?;
        self.channels.consuming.write("acknowledge", |channel| delivery.ack_multiple(channel))
    }

    fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        let delivery = self.subscriptions.settle(tag)?;
        self.channels.consuming.write("requeue a message", |channel| delivery.nack(channel, true))
    }
}

impl Link for AmqpLink<'_> {
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        match self.poll_published()? {
            Some(event) => Ok(Some(event)),
            None if deliveries => Ok(self.subscriptions.poll()?.map(Event::Delivery)),
            None => self.subscriptions.look_for_end().map(|()| None),
        }
    }

    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        if deliveries && self.subscriptions.is_ready() {
            return;
        }
        let mut select = Select::new();
        select.recv(&self.confirms);
        select.recv(&self.returns);
        if deliveries {
            for receiver in self.subscriptions.receivers() {
                select.recv(receiver);
            }
        }
        if let Some(shutdown) = shutdown {
            select.recv(shutdown.requested());
        }
        // `poll` finds out which of them is ready; it is no error if none is.
        let _ = select.ready_timeout(limit);
    }
}

impl Drop for AmqpLink<'_> {
    fn drop(&mut self) {
        // It fails if the connection is lost, and then there is nothing to cancel.
        let _ = self.subscriptions.cancel_within(CLOSE_LIMIT);
    }
}

fn translate(confirm: amiquip::Confirm) -> Confirm {
    let (ConfirmPayload { delivery_tag, multiple }, accepted) = match confirm {
        amiquip::Confirm::Ack(payload) => (payload, true),
        amiquip::Confirm::Nack(payload) => (payload, false),
    };
    Confirm { sequence: delivery_tag, multiple, accepted }
}
