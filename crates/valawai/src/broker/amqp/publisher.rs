//! Publishes on a channel, with or without confirms.

use std::thread;
use std::time::{Duration, Instant};

use amiquip::AmqpProperties;

use super::channel::Channel;
use super::connection::Connection;
use super::properties;
use super::publish_frames::{self, Message};
use crate::broker::{BYTES_IN_FLIGHT, Error, Publish};
use crate::message::Outgoing;

/// Small messages are collected up to this size, and written together.
const COLLECTED: usize = 16 * 1024;

/// How much may wait while the socket accepts nothing. The messages in flight are far smaller.
const MAX_WAITING: usize = 4 * BYTES_IN_FLIGHT;

/// How long to wait for space.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// How soon to try again when the socket does not accept everything; the pauses double while it accepts nothing.
const RETRY_INTERVAL: Duration = Duration::from_millis(1);
const LONGEST_RETRY: Duration = Duration::from_millis(100);

pub(super) struct Publisher<'c> {
    connection: &'c Connection,
    channel: u16,
    published: u64,
    /// How many bytes waited after the last attempt to write them.
    waiting: usize,
    retry_interval: Duration,
}

impl<'c> Publisher<'c> {
    pub(super) fn new(channel: &'c Channel, connection: &'c Connection) -> Self {
        Self { connection, channel: channel.number(), published: 0, waiting: 0, retry_interval: RETRY_INTERVAL }
    }

    /// Publishes to the queue `to`, and returns the number of the message on this channel.
    pub(super) fn send(
        &mut self,
        to: &str,
        mandatory: bool,
        properties: &AmqpProperties,
        body: &[u8],
    ) -> Result<u64, Error> {
        self.send_to_exchange(Message { exchange: "", routing_key: to.to_owned(), mandatory, properties, body })
    }

    /// Publishes to any exchange, and returns the number of the message on this channel.
    pub(super) fn send_to_exchange(&mut self, message: Message<'_>) -> Result<u64, Error> {
        self.check_size(message.body.len())?;
        let writer = self.connection.writer();
        let max_frame = writer.max_frame();
        let waiting = writer.add(|frames| publish_frames::encode(frames, self.channel, message, max_frame))?;
        if waiting >= COLLECTED {
            self.write_collected()?;
        }
        self.published += 1;
        Ok(self.published)
    }

    /// Writes what was published. Returns when to try again if the socket does not accept all of it.
    pub(super) fn write(&mut self) -> Result<Option<Duration>, Error> {
        let waiting = self.connection.writer().flush()?;
        let is_stuck = waiting == self.waiting;
        self.retry_interval = if is_stuck { (2 * self.retry_interval).min(LONGEST_RETRY) } else { RETRY_INTERVAL };
        self.waiting = waiting;
        Ok((waiting > 0).then_some(self.retry_interval))
    }

    fn write_collected(&self) -> Result<(), Error> {
        let deadline = Instant::now() + WRITE_LIMIT;
        while self.connection.writer().flush()? > MAX_WAITING {
            if Instant::now() > deadline {
                self.connection.shutdown_socket();
                return Err(Error::lost("the broker accepts no more messages"));
            }
            thread::sleep(RETRY_INTERVAL);
        }
        Ok(())
    }
}

impl Publish for Publisher<'_> {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        self.send_to_exchange(Message {
            exchange: message.exchange.as_deref().unwrap_or_default(),
            routing_key: message.to.to_string(),
            mandatory: message.mandatory,
            properties: &properties::to_amqp(message),
            body: &message.body,
        })
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.write().map(drop)
    }

    fn check_size(&mut self, bytes: usize) -> Result<(), Error> {
        self.connection.size_limit().check(self.connection, bytes)
    }

    fn is_blocked(&self) -> bool {
        self.connection.is_blocked()
    }
}
