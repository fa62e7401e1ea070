//! What one thread has of a session: a channel to hear on, a channel to say on, and what is not settled yet.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::time::Duration;

use amiquip::{ConfirmPayload, Consumer, ConsumerMessage, ConsumerOptions, FieldTable};
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::connection::{CALL_LIMIT, CLOSE_LIMIT, Channel};
use super::explain::{explain, is_taken};
use super::{Channels, properties, queues};
use crate::broker::{Access, Confirm, Delivery, Error, Event, Link, OwnQueue, Returned, Stop, Tag};
use crate::message::{Message, Outgoing};

/// Longest that a publish may wait for room. Our windows are bounded far below amiquip's buffer, so it hardly ever does.
const PUBLISH_LIMIT: Duration = Duration::from_secs(30);

pub(super) struct AmqpLink<'c> {
    channels: &'c Channels,
    consumers: Vec<Heard<'c>>,
    /// Deliveries that were polled and are not settled, by their tags.
    unsettled: BTreeMap<u64, amiquip::Delivery>,
    confirms: Receiver<amiquip::Confirm>,
    returns: Receiver<amiquip::Return>,
    /// A confirm whose returns are polled first.
    pending: Option<Confirm>,
    published: u64,
    probe: Option<Channel>,
}

/// A queue that is being heard.
struct Heard<'c> {
    queue: String,
    access: Access,
    consumer: Consumer<'c>,
    /// What came before the consumer was exchanged for this one.
    earlier: VecDeque<amiquip::Delivery>,
}

impl<'c> AmqpLink<'c> {
    pub(super) fn new(channels: &'c Channels) -> Result<Self, Error> {
        let saying = &channels.saying;
        // Listening first: a confirm that comes earlier would be thrown away.
        let confirms = saying.ask("listen for confirms", amiquip::Channel::listen_for_publisher_confirms)?;
        let returns = saying.ask("listen for returns", amiquip::Channel::listen_for_returns)?;
        saying.ask("confirm what is published", amiquip::Channel::enable_publisher_confirms)?;
        Ok(Self {
            channels,
            consumers: Vec::new(),
            unsettled: BTreeMap::new(),
            confirms,
            returns,
            pending: None,
            published: 0,
            probe: None,
        })
    }

    fn hearing(&self) -> &'c Channel {
        &self.channels.hearing
    }

    /// A question that may close the channel it is asked on, so it is asked on one of its own.
    fn probe(&mut self) -> Result<&Channel, Error> {
        if self.probe.is_none() {
            self.probe = Some(self.channels.hearing_connection.open_channel()?);
        }
        Ok(self.probe.as_ref().expect("it was just opened"))
    }

    fn poll_saying(&mut self) -> Result<Option<Event>, Error> {
        if self.pending.is_none() {
            self.pending = match self.confirms.try_recv() {
                Ok(confirm) => Some(translate(confirm)),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return Err(lost()),
            };
        }
        // The return of a message is queued before its confirm, so after this look it is certain that there is none.
        if let Ok(returned) = self.returns.try_recv() {
            let message_id = returned.properties.message_id().clone();
            return Ok(Some(Event::Returned(Returned { to: returned.routing_key, message_id })));
        }
        Ok(self.pending.take().map(Event::Confirm))
    }

    fn poll_hearing(&mut self) -> Result<Option<Event>, Error> {
        for index in 0..self.consumers.len() {
            if let Some(delivery) = self.consumers[index].earlier.pop_front() {
                return Ok(Some(Event::Delivery(self.take(index, delivery))));
            }
            match self.consumers[index].consumer.receiver().try_recv() {
                Ok(ConsumerMessage::Delivery(delivery)) => {
                    return Ok(Some(Event::Delivery(self.take(index, delivery))));
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

    fn hand_over(&mut self, publish: amiquip::Publish<'_>) -> Result<u64, Error> {
        let saying = &self.channels.saying;
        let published = saying.line().within(PUBLISH_LIMIT, || saying.basic_publish("", publish));
        published.map_err(|error| explain("publish", &error))?;
        self.published += 1;
        Ok(self.published)
    }

    /// The delivery of `tag`, which is settled with it.
    fn settle(&mut self, tag: Tag) -> Result<amiquip::Delivery, Error> {
        if tag.session != self.channels.session {
            return Err(Error::Stale);
        }
        self.unsettled.remove(&tag.number).ok_or(Error::Stale)
    }

    fn start_to_consume(&self, queue: &str, access: Access, prefetch: u16) -> Result<Consumer<'c>, Error> {
        let hearing = self.hearing();
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

    fn cancel_within(&mut self, limit: Duration) -> Result<(), Error> {
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
        gate.lifted(|| self.hearing().ask_within(limit, "cancel a consumer", |_| consumer.cancel()))?;
        let mut left = Vec::new();
        while let Ok(ConsumerMessage::Delivery(delivery)) = receiver.recv_timeout(limit) {
            left.push(delivery);
        }
        drop(consumer);
        Ok(left)
    }
}

impl Link for AmqpLink<'_> {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        queues::declare(self.hearing(), queue, &OwnQueue::default())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let gate = self.channels.hearing_connection.gate();
        gate.lifted(|| queues::declare(self.hearing(), queue, options))
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        queues::browse(&self.channels.hearing_connection, queue, take)
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        let action = format!("look at the queue {queue}");
        let look = |channel: &amiquip::Channel| {
            channel.queue_declare_passive(queue).map(|found| found.declared_consumer_count().unwrap_or(0))
        };
        match self.probe()?.ask(&action, look) {
            Ok(count) => Ok(Some(count)),
            Err(Error::Denied { .. }) => {
                self.probe = None;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let consumer = self.start_to_consume(queue, access, prefetch)?;
        self.consumers.push(Heard { queue: queue.to_owned(), access, consumer, earlier: VecDeque::new() });
        Ok(())
    }

    fn retune(&mut self, consumer: usize, prefetch: u16) -> Result<(), Error> {
        let Heard { queue, access, consumer: old, mut earlier } = self.consumers.remove(consumer);
        earlier.extend(self.stop_consuming(old, CALL_LIMIT)?);
        let new = self.start_to_consume(&queue, access, prefetch)?;
        self.consumers.insert(consumer, Heard { queue, access, consumer: new, earlier });
        Ok(())
    }

    fn cancel(&mut self) -> Result<(), Error> {
        self.cancel_within(CALL_LIMIT)
    }

    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        self.hand_over(amiquip::Publish {
            body: &message.body,
            routing_key: message.to.to_string(),
            mandatory: message.mandatory,
            immediate: false,
            properties: properties::made_for(message),
        })
    }

    fn forward(&mut self, tag: Tag, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let delivery = self.unsettled.get(&tag.number).filter(|_| tag.session == self.channels.session);
        let properties = properties::forwarded(&delivery.ok_or(Error::Stale)?.properties, headers);
        self.hand_over(amiquip::Publish {
            body,
            routing_key: to.to_owned(),
            mandatory: true,
            immediate: false,
            properties,
        })
    }

    fn acknowledge_up_to(&mut self, tag: Tag) -> Result<(), Error> {
        let delivery = self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag.number);
        let hearing = self.hearing();
        let acknowledged = hearing.line().within(PUBLISH_LIMIT, || delivery.ack_multiple(hearing));
        acknowledged.map_err(|error| explain("acknowledge", &error))
    }

    fn give_back(&mut self, tag: Tag) -> Result<(), Error> {
        let delivery = self.settle(tag)?;
        let hearing = self.hearing();
        let given = hearing.line().within(PUBLISH_LIMIT, || delivery.nack(hearing, true));
        given.map_err(|error| explain("give a message back", &error))
    }

    fn poll(&mut self, intake: bool) -> Result<Option<Event>, Error> {
        match self.poll_saying()? {
            Some(event) => Ok(Some(event)),
            None if intake => self.poll_hearing(),
            None => Ok(None),
        }
    }

    fn wait(&mut self, intake: bool, stop: Option<&Stop>, limit: Duration) {
        if intake && self.consumers.iter().any(|heard| !heard.earlier.is_empty()) {
            return;
        }
        let mut select = Select::new();
        select.recv(&self.confirms);
        select.recv(&self.returns);
        if intake {
            for heard in &self.consumers {
                select.recv(heard.consumer.receiver());
            }
        }
        if let Some(stop) = stop {
            select.recv(stop);
        }
        // Which of them is ready is for `poll` to find out; that none was is no error.
        let _ = select.ready_timeout(limit);
    }

    fn is_blocked(&self) -> bool {
        self.channels.saying_connection.is_blocked()
    }
}

impl Drop for AmqpLink<'_> {
    fn drop(&mut self) {
        // After a loss it fails, and then there is nothing to cancel.
        let _ = self.cancel_within(CLOSE_LIMIT);
    }
}

fn translate(confirm: amiquip::Confirm) -> Confirm {
    let (ConfirmPayload { delivery_tag, multiple }, accepted) = match confirm {
        amiquip::Confirm::Ack(payload) => (payload, true),
        amiquip::Confirm::Nack(payload) => (payload, false),
    };
    Confirm { sequence: delivery_tag, multiple, accepted }
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

fn lost() -> Error {
    Error::lost("no more is known")
}
