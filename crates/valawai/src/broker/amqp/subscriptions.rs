//! The queues that a link hears, and what came from them that is not settled yet.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::thread;
use std::time::Duration;

use amiquip::{Consumer, ConsumerMessage, ConsumerOptions, FieldTable};
use crossbeam_channel::{Receiver, TryRecvError};

use super::connection::CALL_LIMIT;
use super::drain::Drain;
use super::explain::{explain, is_lock_held, lost};
use super::{Channels, properties};
use crate::broker::{Access, Delivery, Error};
use crate::message::Message;

/// What a thread needs that only moves deliveries.
const STACK: usize = 128 * 1024;

pub(super) struct Subscriptions<'c> {
    channels: &'c Channels,
    consumers: Vec<Heard<'c>>,
    /// Whose turn it is, so that a queue with many messages does not starve the others.
    next: usize,
    /// Deliveries that were polled and are not settled, by their tags.
    unsettled: BTreeMap<u64, amiquip::Delivery>,
}

/// A queue that is being heard.
struct Heard<'c> {
    queue: String,
    access: Access,
    prefetch: u16,
    consumer: Consumer<'c>,
    /// What came before the consumer was exchanged for this one.
    earlier: VecDeque<amiquip::Delivery>,
}

impl<'c> Subscriptions<'c> {
    pub(super) fn new(channels: &'c Channels) -> Self {
        Self { channels, consumers: Vec::new(), next: 0, unsettled: BTreeMap::new() }
    }

    pub(super) fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.consume_again(queue.to_owned(), access, prefetch, VecDeque::new())
    }

    /// Gives the `index`th consumer another prefetch, which a broker takes only with a new consumer. Returns the numbers
    /// of the deliveries that were too many.
    pub(super) fn set_prefetch(&mut self, index: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.consumers[index].prefetch = prefetch;
        let stopped = self.stop_all(CALL_LIMIT, true)?;
        let requeued = self.requeue(stopped.surplus)?;
        for (Heard { queue, access, prefetch, consumer, .. }, kept) in stopped.consumers {
            drop(consumer);
            self.consume_again(queue, access, prefetch, kept)?;
        }
        Ok(requeued)
    }

    /// The next delivery there is, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Delivery>, Error> {
        for _ in 0..self.consumers.len() {
            let index = self.next;
            self.next = (self.next + 1) % self.consumers.len();
            if let Some(delivery) = self.consumers[index].poll()? {
                return Ok(Some(self.take(index, delivery)));
            }
        }
        Ok(None)
    }

    /// Sees to it that the end of a consumer is noticed also while nothing is polled, though it comes behind deliveries.
    pub(super) fn look_for_end(&mut self) -> Result<(), Error> {
        for heard in &mut self.consumers {
            while let Some(delivery) = heard.receive()? {
                heard.earlier.push_back(delivery);
            }
        }
        Ok(())
    }

    fn take(&mut self, consumer: usize, mut delivery: amiquip::Delivery) -> Delivery {
        self.channels.consuming_connection.read_limiter().taken(delivery.body.len());
        let tag = delivery.delivery_tag();
        let body = mem::take(&mut delivery.body);
        let properties = properties::taken_from(&delivery.properties);
        self.unsettled.insert(tag, delivery);
        Delivery { tag, consumer, message: Message { body, properties } }
    }

    /// Whether there is a delivery that no receiver tells of.
    pub(super) fn is_ready(&self) -> bool {
        self.consumers.iter().any(|heard| !heard.earlier.is_empty())
    }

    pub(super) fn receivers(&self) -> impl Iterator<Item = &Receiver<ConsumerMessage>> {
        self.consumers.iter().map(|heard| heard.consumer.receiver())
    }

    pub(super) fn unsettled(&self, tag: u64) -> Result<&amiquip::Delivery, Error> {
        self.unsettled.get(&tag).ok_or_else(|| not_in_flight(tag))
    }

    /// Removes the delivery, which the caller settles.
    pub(super) fn settle(&mut self, tag: u64) -> Result<amiquip::Delivery, Error> {
        self.unsettled.remove(&tag).ok_or_else(|| not_in_flight(tag))
    }

    /// The same, with all deliveries before it.
    pub(super) fn settle_up_to(&mut self, tag: u64) -> Result<amiquip::Delivery, Error> {
        let delivery = self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag);
        Ok(delivery)
    }

    fn consume_again(
        &mut self,
        queue: String,
        access: Access,
        prefetch: u16,
        earlier: VecDeque<amiquip::Delivery>,
    ) -> Result<(), Error> {
        // The answers come among what the others deliver, which nobody takes meanwhile.
        let read_limiter = self.channels.consuming_connection.read_limiter();
        let consumer = read_limiter.lifted(|| self.start_to_consume(&queue, access, prefetch))?;
        self.consumers.push(Heard { queue, access, prefetch, consumer, earlier });
        Ok(())
    }

    fn start_to_consume(&self, queue: &str, access: Access, prefetch: u16) -> Result<Consumer<'c>, Error> {
        let channel = &self.channels.consuming;
        let action = format!("consume from the queue {queue}");
        channel.ask(&action, |channel| channel.qos(0, prefetch, false))?;
        let options = ConsumerOptions {
            no_local: false,
            no_ack: false,
            exclusive: access == Access::Exclusive,
            arguments: FieldTable::new(),
        };
        let begun = channel.line().within(CALL_LIMIT, || channel.basic_consume(queue, options));
        begun.map_err(|error| {
            if is_lock_held(&error) { Error::LockHeld { queue: queue.to_owned() } } else { explain(&action, &error) }
        })
    }

    /// Hears no more, and gives back what was not polled; returns its numbers.
    pub(super) fn cancel_within(&mut self, limit: Duration) -> Result<Vec<u64>, Error> {
        let stopped = self.stop_all(limit, false)?;
        self.requeue(stopped.surplus)
    }

    /// Cancels all consumers, and takes what they still deliver. All at once, because what one delivers keeps the answer to
    /// another waiting. A consumer that is dropped while deliveries arrive takes the whole connection with it: so first
    /// cancel, then drain until the broker's last word, then drop.
    fn stop_all(&mut self, limit: Duration, keeps: bool) -> Result<Stopped<'c>, Error> {
        let mut stopped = Stopped { consumers: Vec::new(), surplus: Vec::new() };
        if self.consumers.is_empty() {
            return Ok(stopped);
        }
        let mut consumers = mem::take(&mut self.consumers);
        let (read_limiter, channel) = (self.channels.consuming_connection.read_limiter(), &self.channels.consuming);
        let line = channel.line();
        let most_bytes = read_limiter.limit() / consumers.len();
        let drains = thread::scope(|scope| {
            let mut drains = Vec::new();
            for Heard { consumer, prefetch, earlier, .. } in &mut consumers {
                let mut drain = Drain::new(if keeps { usize::from(*prefetch) } else { 0 }, most_bytes);
                for delivery in mem::take(earlier) {
                    drain.take(delivery, read_limiter);
                }
                let receiver = consumer.receiver().clone();
                let follow = move || {
                    drain.follow(&receiver, read_limiter, line, limit);
                    drain
                };
                let thread = thread::Builder::new().name("drain".into()).stack_size(STACK);
                drains.push(thread.spawn_scoped(scope, follow).map_err(Error::lost)?);
            }
            for Heard { consumer, .. } in &consumers {
                channel.ask_within(limit, "cancel a consumer", |_| consumer.cancel())?;
            }
            let joined = drains.into_iter().map(|drain| drain.join().map_err(|_| Error::lost("draining panicked")));
            joined.collect::<Result<Vec<Drain>, Error>>()
        })?;
        for (heard, drain) in consumers.into_iter().zip(drains) {
            stopped.surplus.extend(drain.surplus);
            stopped.consumers.push((heard, drain.kept));
        }
        stopped.surplus.sort_by_key(amiquip::Delivery::delivery_tag);
        Ok(stopped)
    }

    /// Gives back what was never polled.
    fn requeue(&self, surplus: Vec<amiquip::Delivery>) -> Result<Vec<u64>, Error> {
        let channel = &self.channels.consuming;
        let requeue = |delivery: amiquip::Delivery| {
            let number = delivery.delivery_tag();
            channel.ask("give a message back", |channel| delivery.nack(channel, true))?;
            Ok(number)
        };
        surplus.into_iter().map(requeue).collect()
    }
}

/// Consumers that were cancelled, with what they may keep, and what is too much.
struct Stopped<'c> {
    consumers: Vec<(Heard<'c>, VecDeque<amiquip::Delivery>)>,
    surplus: Vec<amiquip::Delivery>,
}

impl Heard<'_> {
    fn poll(&mut self) -> Result<Option<amiquip::Delivery>, Error> {
        match self.earlier.pop_front() {
            Some(delivery) => Ok(Some(delivery)),
            None => self.receive(),
        }
    }

    fn receive(&mut self) -> Result<Option<amiquip::Delivery>, Error> {
        match self.consumer.receiver().try_recv() {
            Ok(ConsumerMessage::Delivery(delivery)) => Ok(Some(delivery)),
            Ok(end) => Err(ended(&self.queue, &end)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(lost()),
        }
    }
}

fn not_in_flight(tag: u64) -> Error {
    Error::lost(format!("the delivery {tag} is not in flight"))
}

fn ended(queue: &str, message: &ConsumerMessage) -> Error {
    match message {
        ConsumerMessage::ServerCancelled => Error::QueueGone { queue: queue.to_owned() },
        ConsumerMessage::ServerClosedChannel(error) | ConsumerMessage::ServerClosedConnection(error) => {
            explain("go on consuming", error)
        }
        _ => lost(),
    }
}
