//! The consumers of a link, and their unsettled deliveries.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use amiquip::{Consumer, ConsumerMessage, ConsumerOptions, FieldTable};
use crossbeam_channel::Receiver;

use super::channel::{CALL_LIMIT, LinkChannels};
use super::drain::{self, Keep};
use super::errors::{call_error, is_lock_held};
use super::properties;
use super::subscription::Subscription;
use crate::broker::{Access, Delivery, Error};
use crate::message::Message;

pub(super) struct Subscriptions<'c> {
    channels: &'c LinkChannels,
    active: Vec<Subscription<'c>>,
    /// The subscription to poll next: a queue with many messages does not starve the others.
    next: usize,
    /// Deliveries that were polled and not settled, by tag.
    unsettled: BTreeMap<u64, amiquip::Delivery>,
}

impl<'c> Subscriptions<'c> {
    pub(super) fn new(channels: &'c LinkChannels) -> Self {
        Self { channels, active: Vec::new(), next: 0, unsettled: BTreeMap::new() }
    }

    pub(super) fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.subscribe(queue.to_owned(), access, prefetch, VecDeque::new())
    }

    /// Changes a prefetch. Brokers apply it to new consumers only, so all consumers are replaced. Returns the tags of
    /// the surplus deliveries, which were requeued.
    pub(super) fn set_prefetch(&mut self, index: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.active[index].prefetch = prefetch;
        let mut cancelled = mem::take(&mut self.active);
        let surplus = drain::cancel_all(&mut cancelled, self.channels, CALL_LIMIT, Keep::Prefetch)?;
        let requeued = self.requeue(surplus)?;
        for Subscription { queue, access, prefetch, consumer, buffered } in cancelled {
            drop(consumer);
            self.subscribe(queue, access, prefetch, buffered)?;
        }
        Ok(requeued)
    }

    /// Cancels all consumers. Requeues the deliveries that were not polled, and returns their tags.
    pub(super) fn cancel(&mut self, limit: Duration) -> Result<Vec<u64>, Error> {
        let mut cancelled = mem::take(&mut self.active);
        let surplus = drain::cancel_all(&mut cancelled, self.channels, limit, Keep::Nothing)?;
        self.requeue(surplus)
    }

    /// Cancels all consumers. Deliveries that were not polled wait for the end of the channel, unacknowledged.
    pub(super) fn stop(&mut self, limit: Duration) -> Result<(), Error> {
        let mut cancelled = mem::take(&mut self.active);
        drain::cancel_all(&mut cancelled, self.channels, limit, Keep::Nothing).map(drop)
    }

    /// The next delivery, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Delivery>, Error> {
        for _ in 0..self.active.len() {
            let index = self.next;
            self.next = (self.next + 1) % self.active.len();
            if let Some(delivery) = self.active[index].poll()? {
                return Ok(Some(self.add_unsettled(index, delivery)));
            }
        }
        Ok(None)
    }

    /// Fails if the broker ended a consumer. Called instead of `poll`, so that the end is detected while nothing is
    /// polled.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        self.active.iter_mut().try_for_each(Subscription::buffer_deliveries)
    }

    /// Whether there are deliveries that no receiver signals.
    pub(super) fn has_buffered(&self) -> bool {
        self.active.iter().any(|subscription| !subscription.buffered.is_empty())
    }

    pub(super) fn receivers(&self) -> impl Iterator<Item = &Receiver<ConsumerMessage>> {
        self.active.iter().map(Subscription::receiver)
    }

    pub(super) fn unsettled(&self, tag: u64) -> Result<&amiquip::Delivery, Error> {
        self.unsettled.get(&tag).ok_or_else(|| Error::not_in_flight(tag))
    }

    /// Removes the delivery, which the caller settles.
    pub(super) fn settle(&mut self, tag: u64) -> Result<amiquip::Delivery, Error> {
        self.unsettled.remove(&tag).ok_or_else(|| Error::not_in_flight(tag))
    }

    /// Removes the delivery and all earlier ones, which the caller settles.
    pub(super) fn settle_up_to(&mut self, tag: u64) -> Result<amiquip::Delivery, Error> {
        let delivery = self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag);
        Ok(delivery)
    }

    /// Adds a delivery that was polled, or got without a consumer.
    pub(super) fn add_unsettled(&mut self, consumer: usize, mut delivery: amiquip::Delivery) -> Delivery {
        self.channels.consuming_connection.read_limiter().release(delivery.body.len());
        let tag = delivery.delivery_tag();
        let body = mem::take(&mut delivery.body);
        let properties = properties::from_amqp(&delivery.properties, delivery.redelivered);
        self.unsettled.insert(tag, delivery);
        Delivery { tag, consumer, message: Message { body, properties } }
    }

    fn subscribe(
        &mut self,
        queue: String,
        access: Access,
        prefetch: u16,
        buffered: VecDeque<amiquip::Delivery>,
    ) -> Result<(), Error> {
        // The replies arrive among the deliveries of the other consumers, which are not polled meanwhile.
        let read_limiter = self.channels.consuming_connection.read_limiter();
        let consumer = read_limiter.without_limit(|| self.start_consumer(&queue, access, prefetch))?;
        self.active.push(Subscription { queue, access, prefetch, consumer, buffered });
        Ok(())
    }

    fn start_consumer(&self, queue: &str, access: Access, prefetch: u16) -> Result<Consumer<'c>, Error> {
        let channel = &self.channels.consuming;
        let action = format!("consume from the queue {queue}");
        channel.call(&action, |channel| channel.qos(0, prefetch, false))?;
        let options = ConsumerOptions {
            no_local: false,
            no_ack: false,
            exclusive: access == Access::Exclusive,
            arguments: FieldTable::new(),
        };
        channel.guard(CALL_LIMIT, |channel| channel.basic_consume(queue, options)).map_err(|error| {
            if is_lock_held(&error) { Error::LockHeld { queue: queue.to_owned() } } else { call_error(&action, &error) }
        })
    }

    /// Requeues deliveries that were never polled.
    fn requeue(&self, deliveries: Vec<amiquip::Delivery>) -> Result<Vec<u64>, Error> {
        let channel = &self.channels.consuming;
        let requeue = |delivery: amiquip::Delivery| {
            let tag = delivery.delivery_tag();
            channel.call("requeue a message", |channel| delivery.nack(channel, true))?;
            Ok(tag)
        };
        deliveries.into_iter().map(requeue).collect()
    }
}
