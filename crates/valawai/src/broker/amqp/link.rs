//! The link of one thread: a channel for consuming and a channel for publishing.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select};

use super::channel::{CALL_LIMIT, CLOSE_LIMIT, LinkChannels};
use super::confirms::Confirms;
use super::inspector::{Inspection, Inspector};
use super::publisher::Publisher;
use super::subscriptions::Subscriptions;
use super::{exchanges, properties, queues};
use crate::broker::{Access, Consume, Declared, Error, Event, Link, OwnQueue, Publish, Queues};
use crate::message::{Message, Outgoing};
use crate::routes::{Binding, Exchange};
use crate::shutdown::Shutdown;

/// Deliveries that follow each other within this time are handled quickly.
const QUICK: Duration = Duration::from_micros(100);

pub(super) struct AmqpLink<'c> {
    channels: &'c LinkChannels,
    subscriptions: Subscriptions<'c>,
    publisher: Publisher<'c>,
    confirms: Confirms<'c>,
    /// When the last delivery was polled.
    last_delivery: Instant,
    inspector: Inspector<'c>,
}

impl<'c> AmqpLink<'c> {
    pub(super) fn new(channels: &'c LinkChannels) -> Result<Self, Error> {
        let publishing = &channels.publishing;
        Ok(Self {
            channels,
            subscriptions: Subscriptions::new(channels),
            publisher: Publisher::new(publishing, &channels.publishing_connection),
            confirms: Confirms::enable(publishing, &channels.publishing_connection)?,
            last_delivery: Instant::now(),
            inspector: Inspector::new(&channels.query_connection),
        })
    }

    /// The next delivery. While deliveries are handled quickly, what is published for them is collected. If the next one takes
    /// long, the watchdog's clock writes it.
    fn poll_delivery(&mut self) -> Result<Option<Event>, Error> {
        let delivery = self.subscriptions.poll()?;
        let now = Instant::now();
        if delivery.is_none() || now - self.last_delivery > QUICK {
            self.publisher.write()?;
        }
        self.last_delivery = now;
        Ok(delivery.map(Event::Delivery))
    }

    /// Writes what was published, and waits for any of these, for a confirm or for a returned message.
    fn wait_for_any(
        &mut self,
        deliveries: bool,
        signal: Option<&Receiver<()>>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    ) {
        // If it fails, the session is over, and the next poll tells why.
        let retry = self.publisher.write().unwrap_or_default();
        let limit = retry.map_or(limit, |retry| retry.min(limit));
        let mut select = Select::new();
        self.confirms.add_to(&mut select);
        if deliveries {
            for receiver in self.subscriptions.receivers() {
                select.recv(receiver);
            }
        }
        if let Some(signal) = signal {
            select.recv(signal);
        }
        if let Some(shutdown) = shutdown {
            select.recv(shutdown.requested());
        }
        // `poll` determines which of them is ready, if any.
        let _ = select.ready_timeout(limit);
    }
}

impl Queues for AmqpLink<'_> {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        queues::declare(&self.channels.consuming, queue, &OwnQueue::default())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        // If the queue exists with other arguments, the broker closes the channel.
        queues::declare(&self.channels.query_connection.open_channel()?, queue, options)
    }

    fn declare_service(&mut self, queue: &str, keys: &[String]) -> Result<(), Error> {
        // An exclusive queue belongs to its connection. If the broker refuses, it closes the channel.
        queues::declare_service(&self.channels.consuming_connection.open_channel()?, queue, keys)
    }

    fn declare_exchange(&mut self, exchange: &Exchange) -> Result<Declared, Error> {
        exchanges::declare(self.channels, exchange)
    }

    fn declare_route(&mut self, queue: &str, binding: Option<&Binding>) -> Result<Declared, Error> {
        let declared = binding.map(|binding| exchanges::declare(self.channels, &binding.exchange)).transpose()?;
        if let Inspection::Refused { reason } = self.inspector.inspect(queue)?
            && reason.contains("no queue")
        {
            self.declare_own(queue, &OwnQueue::default())?;
        }
        if let Some(binding) = binding {
            exchanges::bind(self.channels, queue, binding)?;
        }
        Ok(declared.unwrap_or(Declared::AsConfigured))
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        queues::browse(&self.channels.query_connection, queue, take)
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        match self.inspector.inspect(queue)? {
            Inspection::Found { consumers, .. } => Ok(Some(consumers)),
            Inspection::Refused { .. } => Ok(None),
        }
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        match self.inspector.inspect(queue)? {
            Inspection::Found { .. } => Ok(false),
            Inspection::Refused { reason } => Ok(reason.contains("no queue")),
        }
    }
}

impl Publish for AmqpLink<'_> {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        self.publisher.publish(message)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.publisher.flush()
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
        self.subscriptions.cancel(CALL_LIMIT)
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let properties = properties::forwarded(&self.subscriptions.unsettled(tag)?.properties, headers);
        self.publisher.send(to, true, &properties, body)
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
        match self.confirms.poll()? {
            Some(event) => Ok(Some(event)),
            None if deliveries => self.poll_delivery(),
            None => {
                self.publisher.write()?;
                self.subscriptions.check().map(|()| None)
            }
        }
    }

    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        if !(deliveries && self.subscriptions.has_buffered()) {
            self.wait_for_any(deliveries, None, shutdown, limit);
        }
    }

    fn wait_for_signal(
        &mut self,
        deliveries: bool,
        signal: &Receiver<()>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    ) {
        if !(deliveries && self.subscriptions.has_buffered()) {
            self.wait_for_any(deliveries, Some(signal), shutdown, limit);
        }
        let _ = signal.try_recv();
    }
}

impl Drop for AmqpLink<'_> {
    fn drop(&mut self) {
        // It fails if the connection is lost, when there is nothing to cancel.
        let _ = self.subscriptions.cancel(CLOSE_LIMIT);
    }
}
