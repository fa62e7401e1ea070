//! Finds out what sizes of messages the broker takes, before one that is too large closes the channel.
//!
//! A broker tells its limit to nobody. It looks at the size before it looks where a message goes: so a message that goes
//! nowhere shows whether one of its size is taken, on a channel that is there for nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amiquip::{Confirm, Publish};
use crossbeam_channel::RecvTimeoutError;

use super::connection::{CALL_LIMIT, Connection};
use super::explain::{explain, lost};
use crate::broker::Error;

/// No broker has a smaller limit.
const FLOOR: usize = 64 * 1024;

/// How often it looks whether the broker takes messages at all.
const TICK: Duration = Duration::from_millis(500);

/// The largest size that the broker is known to take, on one connection.
#[derive(Debug)]
pub(super) struct Sizes {
    taken: AtomicUsize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { taken: AtomicUsize::new(FLOOR) }
    }
}

impl Sizes {
    /// Makes sure that messages of so many `bytes` are taken on `connection`. Nearly always it knows.
    pub(super) fn check(&self, connection: &Connection, bytes: usize) -> Result<(), Error> {
        let known = self.taken.load(Ordering::Relaxed);
        if bytes <= known {
            return Ok(());
        }
        // Twice as much as was known, so that sizes which grow slowly are not asked for one by one.
        for size in [bytes.max(2 * known), bytes] {
            match probe(connection, size)? {
                None => {
                    self.taken.fetch_max(size, Ordering::Relaxed);
                    return Ok(());
                }
                Some(reason) if size == bytes => return Err(Error::TooLarge { bytes, reason }),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

/// Why a message of so many `bytes` is not taken, if it is not.
fn probe(connection: &Connection, bytes: usize) -> Result<Option<String>, Error> {
    let channel = connection.open_channel()?;
    let confirms = channel.ask("listen for confirms", amiquip::Channel::listen_for_publisher_confirms)?;
    channel.ask("confirm what is published", amiquip::Channel::enable_publisher_confirms)?;
    let body = vec![0; bytes];
    // To a queue without a name, which there is not, and without a wish to have it back.
    let publish = |channel: &amiquip::Channel| channel.basic_publish("", Publish::new(&body, ""));
    channel.ask("publish", publish)?;
    let mut waited = Duration::ZERO;
    while waited < CALL_LIMIT {
        match confirms.recv_timeout(TICK) {
            Ok(Confirm::Ack(_) | Confirm::Nack(_)) => return Ok(None),
            // The broker closed the channel: the next question on it is answered by the reason.
            Err(RecvTimeoutError::Disconnected) => match channel.ask("publish", |channel| channel.qos(0, 1, false)) {
                Err(Error::Denied { reason, .. }) => return Ok(Some(reason)),
                Err(error) => return Err(error),
                Ok(()) => return Err(lost()),
            },
            // In an alarm the broker reads nothing, and that is no sign of anything.
            Err(RecvTimeoutError::Timeout) if connection.is_blocked() => {}
            Err(RecvTimeoutError::Timeout) => waited += TICK,
        }
    }
    Err(explain("publish", &amiquip::Error::EventLoopDropped))
}
