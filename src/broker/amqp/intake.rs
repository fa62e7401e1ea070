//! The queues that a link hears, and what came from them that is not settled yet.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use amiquip::{Consumer, ConsumerMessage, ConsumerOptions, FieldTable};
use crossbeam_channel::{Receiver, TryRecvError};

use super::connection::CALL_LIMIT;
use super::explain::{explain, is_taken, lost};
use super::{Channels, properties};
use crate::broker::{Access, Delivery, Error, Tag};
use crate::message::Message;

pub(super) struct Intake<'c> {
    channels: &'c Channels,
    consumers: Vec<Heard<'c>>,
    /// Deliveries that were polled and are not settled, by their tags.
    unsettled: BTreeMap<u64, amiquip::Delivery>,
}

/// A queue that is being heard.
struct Heard<'c> {
    queue: String,
    access: Access,
    consumer: Consumer<'c>,
    /// What came before the consumer was exchanged for this one.
    earlier: VecDeque<amiquip::Delivery>,
}

impl<'c> Intake<'c> {
    pub(super) fn new(channels: &'c Channels) -> Self {
        Self { channels, consumers: Vec::new(), unsettled: BTreeMap::new() }
    }

    pub(super) fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let consumer = self.start_to_consume(queue, access, prefetch)?;
        self.consumers.push(Heard { queue: queue.to_owned(), access, consumer, earlier: VecDeque::new() });
        Ok(())
    }

    /// Gives the `index`th consumer another prefetch, which a broker takes only with a new consumer.
    pub(super) fn retune(&mut self, index: usize, prefetch: u16) -> Result<(), Error> {
        let Heard { queue, access, consumer: old, mut earlier } = self.consumers.remove(index);
        earlier.extend(self.stop_consuming(old, CALL_LIMIT)?);
        let new = self.start_to_consume(&queue, access, prefetch)?;
        self.consumers.insert(index, Heard { queue, access, consumer: new, earlier });
        Ok(())
    }

    /// The next delivery there is, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Delivery>, Error> {
        for index in 0..self.consumers.len() {
            if let Some(delivery) = self.consumers[index].earlier.pop_front() {
                return Ok(Some(self.take(index, delivery)));
            }
            match self.consumers[index].consumer.receiver().try_recv() {
                Ok(ConsumerMessage::Delivery(delivery)) => {
                    return Ok(Some(self.take(index, delivery)));
                }
                Ok(end) => return Err(ended(&self.consumers[index].queue, &end)),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return Err(lost()),
            }
        }
        Ok(None)
    }

    fn take(&mut self, consumer: usize, mut delivery: amiquip::Delivery) -> Delivery {
        self.channels.hearing_connection.gate().taken(delivery.body.len());
        let tag = Tag { session: self.channels.session, number: delivery.delivery_tag() };
        let body = mem::take(&mut delivery.body);
        let properties = properties::taken_from(&delivery.properties);
        self.unsettled.insert(tag.number, delivery);
        Delivery { tag, consumer, message: Message { body, properties } }
    }

    /// Whether there is a delivery that no receiver tells of.
    pub(super) fn is_ready(&self) -> bool {
        self.consumers.iter().any(|heard| !heard.earlier.is_empty())
    }

    pub(super) fn receivers(&self) -> impl Iterator<Item = &Receiver<ConsumerMessage>> {
        self.consumers.iter().map(|heard| heard.consumer.receiver())
    }

    pub(super) fn unsettled(&self, tag: Tag) -> Result<&amiquip::Delivery, Error> {
        let delivery = self.unsettled.get(&tag.number).filter(|_| tag.session == self.channels.session);
        delivery.ok_or(Error::Stale)
    }

    /// The delivery of `tag`, which is settled with it.
    pub(super) fn settle(&mut self, tag: Tag) -> Result<amiquip::Delivery, Error> {
        if tag.session != self.channels.session {
            return Err(Error::Stale);
        }
        self.unsettled.remove(&tag.number).ok_or(Error::Stale)
    }

    /// The same, with all that came before it.
    pub(super) fn settle_up_to(&mut self, tag: Tag) -> Result<amiquip::Delivery, Error> {
        let delivery = self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag.number);
        Ok(delivery)
    }

    fn start_to_consume(&self, queue: &str, access: Access, prefetch: u16) -> Result<Consumer<'c>, Error> {
        let hearing = &self.channels.hearing;
        let action = format!("consume from the queue {queue}");
        hearing.ask(&action, |channel| channel.qos(0, prefetch, false))?;
        let options = ConsumerOptions {
            no_local: false,
            no_ack: false,
            exclusive: access == Access::Exclusive,
            arguments: FieldTable::new(),
        };
        let begun = hearing.line().within(CALL_LIMIT, || hearing.basic_consume(queue, options));
        begun.map_err(|error| {
            if is_taken(&error) { Error::Taken { queue: queue.to_owned() } } else { explain(&action, &error) }
        })
    }

    pub(super) fn cancel_within(&mut self, limit: Duration) -> Result<(), Error> {
        for Heard { consumer, earlier, .. } in mem::take(&mut self.consumers) {
            let left = self.stop_consuming(consumer, limit)?;
            let bytes = earlier.iter().chain(&left).map(|delivery| delivery.body.len()).sum();
            self.channels.hearing_connection.gate().taken(bytes);
        }
        Ok(())
    }

    /// Returns what was delivered and not taken. A consumer that is dropped while deliveries arrive takes the whole
    /// connection with it: so first cancel, then drain until the broker's last word, then drop.
    fn stop_consuming(&self, consumer: Consumer<'c>, limit: Duration) -> Result<Vec<amiquip::Delivery>, Error> {
        let receiver = consumer.receiver().clone();
        let gate = self.channels.hearing_connection.gate();
        gate.lifted(|| self.channels.hearing.ask_within(limit, "cancel a consumer", |_| consumer.cancel()))?;
        let mut left = Vec::new();
        while let Ok(ConsumerMessage::Delivery(delivery)) = receiver.recv_timeout(limit) {
            left.push(delivery);
        }
        drop(consumer);
        Ok(left)
    }
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
