//! Publishes with confirms, and tells what became of each message.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crossbeam_channel::Select;

use super::properties::MessageProperties;
use crate::broker::amqp::channel::Channel;
use crate::broker::amqp::confirms::Confirms;
use crate::broker::amqp::connection::Connection;
use crate::broker::amqp::publish_frames;
use crate::broker::amqp::publisher::Publisher;
use crate::broker::{Confirm, Error, Event};
use crate::shutdown::Shutdown;

/// A message to publish. It is mandatory.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'m> {
    /// The exchange; the default one has the empty name.
    pub exchange: &'m str,
    /// The routing key: on the default exchange, the queue.
    pub key: &'m str,
    /// The properties.
    pub properties: &'m MessageProperties,
    /// The body.
    pub body: &'m [u8],
}

/// What became of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A queue has it.
    Routed,
    /// There is no queue for its exchange and routing key, or there was none a moment before or after.
    Unroutable,
    /// The broker rejected it.
    Nacked,
}

/// The outcome of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The number that publishing it returned.
    pub sequence: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// Publishes on one channel.
pub(super) struct Publishing<'c> {
    publisher: Publisher<'c>,
    confirms: Confirms<'c>,
    /// The unconfirmed messages: the key of each, and whether it may have been returned.
    in_flight: BTreeMap<u64, (String, bool)>,
    settled: VecDeque<Settled>,
    connection: &'c Connection,
}

impl<'c> Publishing<'c> {
    pub(super) fn new(channel: &'c Channel, connection: &'c Connection) -> Result<Self, Error> {
        Ok(Self {
            publisher: Publisher::new(channel, connection),
            confirms: Confirms::enable(channel, connection)?,
            in_flight: BTreeMap::new(),
            settled: VecDeque::new(),
            connection,
        })
    }

    /// Publishes without waiting. Small messages are collected, and written when the link waits, at the latest.
    pub(super) fn publish(&mut self, publication: Publication<'_>) -> Result<u64, Error> {
        let Publication { exchange, key, properties, body } = publication;
        let properties = properties.as_amqp();
        let message =
            publish_frames::Message { exchange, routing_key: key.to_owned(), mandatory: true, properties, body };
        let sequence = self.publisher.send_to_exchange(message)?;
        self.in_flight.insert(sequence, (key.to_owned(), false));
        Ok(sequence)
    }

    /// The next outcome, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Settled>, Error> {
        while self.settled.is_empty() {
            match self.confirms.poll()? {
                // A return does not tell which message it is, if several have the same identifier or none. So all that are in
                // flight with its key count as returned: to publish one of them again is better than to lose one.
                Some(Event::Returned(returned)) => {
                    let same_key = self.in_flight.values_mut().filter(|(key, _)| *key == returned.to);
                    same_key.for_each(|(_, is_returned)| *is_returned = true);
                }
                Some(Event::Confirm(confirm)) => self.confirm(confirm),
                Some(Event::Delivery(_)) | None => break,
            }
        }
        Ok(self.settled.pop_front())
    }

    fn confirm(&mut self, Confirm { sequence, multiple, accepted }: Confirm) {
        let confirmed = if multiple {
            let later = self.in_flight.split_off(&(sequence + 1));
            std::mem::replace(&mut self.in_flight, later)
        } else {
            self.in_flight.remove_entry(&sequence).into_iter().collect()
        };
        for (sequence, (_, is_returned)) in confirmed {
            let outcome = match (accepted, is_returned) {
                (false, _) => Outcome::Nacked,
                (true, true) => Outcome::Unroutable,
                (true, false) => Outcome::Routed,
            };
            self.settled.push_back(Settled { sequence, outcome });
        }
    }

    /// Writes what was published. Returns when to try again if the socket does not accept all of it.
    pub(super) fn write(&mut self) -> Result<Option<Duration>, Error> {
        self.publisher.write()
    }

    /// Adds what [`Self::poll`] polls.
    pub(super) fn add_to<'s>(&'s self, select: &mut Select<'s>) {
        self.confirms.add_to(select);
    }

    pub(super) fn is_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.connection.is_blocked()
    }

    /// Publishes one message and waits until it is settled, at most `limit`.
    pub(super) fn publish_and_wait(
        &mut self,
        publication: Publication<'_>,
        shutdown: &Shutdown,
        limit: Duration,
    ) -> Result<Option<Outcome>, Error> {
        let deadline = Instant::now() + limit;
        let published = self.publish(publication)?;
        loop {
            while let Some(Settled { sequence, outcome }) = self.poll()? {
                if sequence == published {
                    return Ok(Some(outcome));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || shutdown.is_requested() {
                return Ok(None);
            }
            let retry = self.write()?;
            let mut select = Select::new();
            self.add_to(&mut select);
            select.recv(shutdown.requested());
            let _ = select.ready_timeout(retry.map_or(left, |retry| retry.min(left)));
        }
    }
}
