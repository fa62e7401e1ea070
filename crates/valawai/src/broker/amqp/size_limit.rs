//! Detects messages that are larger than the broker accepts, which would close the channel on which they are published.
//!
//! RabbitMQ does not announce its limit, but checks it before routing. So a message without a destination, published on
//! a channel of its own, shows whether the broker accepts messages of its size.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amiquip::{Confirm, Publish};
use crossbeam_channel::RecvTimeoutError;

use super::channel::CALL_LIMIT;
use super::connection::Connection;
use super::errors::disconnected;
use crate::broker::Error;

/// No broker has a lower limit.
const ALWAYS_ACCEPTED: usize = 64 * 1024;

/// How often a probe checks whether the connection is blocked.
const TICK: Duration = Duration::from_millis(500);

/// The largest message size that the broker is known to accept on one connection.
#[derive(Debug)]
pub(super) struct SizeLimit {
    accepted: AtomicUsize,
}

impl Default for SizeLimit {
    fn default() -> Self {
        Self { accepted: AtomicUsize::new(ALWAYS_ACCEPTED) }
    }
}

impl SizeLimit {
    /// Checks that the broker accepts messages of `bytes` bytes. It sends a probe only if the size is not known yet.
    pub(super) fn check(&self, connection: &Connection, bytes: usize) -> Result<(), Error> {
        let known = self.accepted.load(Ordering::Relaxed);
        if bytes <= known {
            return Ok(());
        }
        // Doubling keeps the number of probes low while sizes grow slowly.
        let doubled = 2 * known;
        if bytes < doubled && probe(connection, doubled)?.is_none() {
            self.accept(doubled);
            return Ok(());
        }
        if let Some(reason) = probe(connection, bytes)? {
            return Err(Error::TooLarge { bytes, reason });
        }
        self.accept(bytes);
        Ok(())
    }

    fn accept(&self, bytes: usize) {
        self.accepted.fetch_max(bytes, Ordering::Relaxed);
    }
}

/// Publishes a message of `bytes` bytes, and returns why the broker rejects it, if it does.
fn probe(connection: &Connection, bytes: usize) -> Result<Option<String>, Error> {
    let channel = connection.open_channel()?;
    let confirms = channel.call("listen for confirms", amiquip::Channel::listen_for_publisher_confirms)?;
    channel.call("enable confirms", amiquip::Channel::enable_publisher_confirms)?;
    let body = vec![0; bytes];
    // No queue has an empty name, and the message is not mandatory: the broker drops it.
    channel.call("publish", |channel| channel.basic_publish("", Publish::new(&body, "")))?;
    let mut waited = Duration::ZERO;
    while waited < CALL_LIMIT {
        match confirms.recv_timeout(TICK) {
            Ok(Confirm::Ack(_) | Confirm::Nack(_)) => return Ok(None),
            // The broker closed the channel: the next call on it returns the reason.
            Err(RecvTimeoutError::Disconnected) => match channel.call("publish", |channel| channel.qos(0, 1, false)) {
                Err(Error::Denied { reason, .. }) => return Ok(Some(reason)),
                Err(error) => return Err(error),
                Ok(()) => return Err(disconnected()),
            },
            // In an alarm the broker reads nothing. That is not a missing answer.
            Err(RecvTimeoutError::Timeout) if connection.is_blocked() => {}
            Err(RecvTimeoutError::Timeout) => waited += TICK,
        }
    }
    Err(Error::lost("the broker did not confirm a message in time"))
}
