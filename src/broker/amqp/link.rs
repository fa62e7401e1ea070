//! What one thread has of a session: a channel to hear on and a channel to say on.

use std::time::Duration;

use amiquip::ConfirmPayload;
use crossbeam_channel::{Receiver, Select, TryRecvError};

use super::connection::{CALL_LIMIT, CLOSE_LIMIT, Channel};
use super::explain::{explain, lost};
use super::intake::Intake;
use super::{Channels, properties, queues};
use crate::broker::{Access, Confirm, Error, Event, Link, OwnQueue, Returned, Stop, Tag};
use crate::message::{Message, Outgoing};

/// Longest that a publish may wait for room. Our windows are bounded far below amiquip's buffer, so it hardly ever does.
const PUBLISH_LIMIT: Duration = Duration::from_secs(30);

pub(super) struct AmqpLink<'c> {
    channels: &'c Channels,
    intake: Intake<'c>,
    confirms: Receiver<amiquip::Confirm>,
    returns: Receiver<amiquip::Return>,
    /// A confirm whose returns are polled first.
    pending: Option<Confirm>,
    published: u64,
    probe: Option<Channel>,
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
            intake: Intake::new(channels),
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
            self.probe = Some(self.channels.asking_connection.open_channel()?);
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
            self.channels.saying_connection.gate().taken(returned.content.len());
            let message_id = returned.properties.message_id().clone();
            return Ok(Some(Event::Returned(Returned { to: returned.routing_key, message_id })));
        }
        Ok(self.pending.take().map(Event::Confirm))
    }

    fn hand_over(&mut self, publish: amiquip::Publish<'_>) -> Result<u64, Error> {
        self.channels.saying_connection.sizes().check(&self.channels.saying_connection, publish.body.len())?;
        let saying = &self.channels.saying;
        let published = saying.line().within(PUBLISH_LIMIT, || saying.basic_publish("", publish));
        published.map_err(|error| explain("publish", &error))?;
        self.published += 1;
        Ok(self.published)
    }
}

impl Link for AmqpLink<'_> {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        queues::declare(self.hearing(), queue, &OwnQueue::default())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        // The broker closes a channel for a queue that is there with other arguments, so it is one for this alone.
        queues::declare(&self.channels.asking_connection.open_channel()?, queue, options)
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        queues::browse(&self.channels.asking_connection, queue, take)
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

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        let action = format!("look at the queue {queue}");
        match self.probe()?.ask(&action, |channel| channel.queue_declare_passive(queue).map(drop)) {
            Ok(()) => Ok(false),
            Err(Error::Denied { reason, .. }) => {
                self.probe = None;
                Ok(reason.contains("no queue"))
            }
            Err(error) => Err(error),
        }
    }

    fn accepts(&mut self, bytes: usize) -> Result<(), Error> {
        self.channels.saying_connection.sizes().check(&self.channels.saying_connection, bytes)
    }

    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        self.intake.consume(queue, access, prefetch)
    }

    fn retune(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.intake.retune(consumer, prefetch)
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        self.intake.cancel_within(CALL_LIMIT)
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
        let properties = properties::forwarded(&self.intake.unsettled(tag)?.properties, headers);
        self.hand_over(amiquip::Publish {
            body,
            routing_key: to.to_owned(),
            mandatory: true,
            immediate: false,
            properties,
        })
    }

    fn acknowledge(&mut self, tag: Tag) -> Result<(), Error> {
        let delivery = self.intake.settle(tag)?;
        let hearing = self.hearing();
        let acknowledged = hearing.line().within(PUBLISH_LIMIT, || delivery.ack(hearing));
        acknowledged.map_err(|error| explain("acknowledge", &error))
    }

    fn acknowledge_up_to(&mut self, tag: Tag) -> Result<(), Error> {
        let delivery = self.intake.settle_up_to(tag)?;
        let hearing = self.hearing();
        let acknowledged = hearing.line().within(PUBLISH_LIMIT, || delivery.ack_multiple(hearing));
        acknowledged.map_err(|error| explain("acknowledge", &error))
    }

    fn give_back(&mut self, tag: Tag) -> Result<(), Error> {
        let delivery = self.intake.settle(tag)?;
        let hearing = self.hearing();
        let given = hearing.line().within(PUBLISH_LIMIT, || delivery.nack(hearing, true));
        given.map_err(|error| explain("give a message back", &error))
    }

    fn poll(&mut self, intake: bool) -> Result<Option<Event>, Error> {
        match self.poll_saying()? {
            Some(event) => Ok(Some(event)),
            None if intake => Ok(self.intake.poll()?.map(Event::Delivery)),
            None => self.intake.look_for_end().map(|()| None),
        }
    }

    fn wait(&mut self, intake: bool, stop: Option<&Stop>, limit: Duration) {
        if intake && self.intake.is_ready() {
            return;
        }
        let mut select = Select::new();
        select.recv(&self.confirms);
        select.recv(&self.returns);
        if intake {
            for receiver in self.intake.receivers() {
                select.recv(receiver);
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
        let _ = self.intake.cancel_within(CLOSE_LIMIT);
    }
}

fn translate(confirm: amiquip::Confirm) -> Confirm {
    let (ConfirmPayload { delivery_tag, multiple }, accepted) = match confirm {
        amiquip::Confirm::Ack(payload) => (payload, true),
        amiquip::Confirm::Nack(payload) => (payload, false),
    };
    Confirm { sequence: delivery_tag, multiple, accepted }
}
