//! What one thread uses of a session, by role.

use std::time::Duration;

use crossbeam_channel::Receiver;

use super::{Error, Event};
use crate::message::{Message, Outgoing};
use crate::routes::{Binding, Exchange};
use crate::shutdown::Shutdown;

/// What one thread uses of a session. It stays on that thread.
pub trait Link: Queues + Publish + Consume {
    /// The next event, if there is one: returned messages before confirms, and deliveries last and only if
    /// `deliveries`.
    ///
    /// # Errors
    /// If the session is over, or a consumed queue was deleted.
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error>;

    /// Waits until there may be an event, `shutdown` was requested (`None` ignores it), or `limit` has passed.
    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration);

    /// Waits as [`Self::wait`], or until there is a `signal`, which it takes.
    fn wait_for_signal(
        &mut self,
        deliveries: bool,
        signal: &Receiver<()>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    );
}

/// Declaring and inspecting queues.
pub trait Queues {
    /// Declares `queue` as the platform requires it: durable, not exclusive, not auto-delete, without arguments.
    ///
    /// # Errors
    /// If the session is over, or the queue exists with other properties.
    fn declare(&mut self, queue: &str) -> Result<(), Error>;

    /// Declares `queue`, one of the component's own queues.
    ///
    /// # Errors
    /// If the session is over; [`Error::Denied`] if the queue exists with other properties, and the session continues.
    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error>;

    /// Declares the exchange through which operators talk to running processes, and `queue` for this process: exclusive, so
    /// that it ends with the connection, and bound with `keys`.
    ///
    /// # Errors
    /// If the session is over; [`Error::Denied`] if the user may not declare them, and the session continues.
    fn declare_service(&mut self, queue: &str, keys: &[String]) -> Result<(), Error>;

    /// Declares `exchange` if it is to be created; otherwise it must exist.
    ///
    /// # Errors
    /// If the session is over; [`Error::Denied`] if it is missing, exists with other properties, or the user may not declare it,
    /// and the session continues.
    fn declare_exchange(&mut self, exchange: &Exchange) -> Result<Declared, Error>;

    /// Declares `queue` unless it exists, with whatever properties, and binds it to its exchange.
    ///
    /// # Errors
    /// As for [`Self::declare_exchange`].
    fn declare_route(&mut self, queue: &str, binding: Option<&Binding>) -> Result<Declared, Error>;

    /// Reads the messages in `queue`, up to [`MAX_BROWSED`](super::MAX_BROWSED), and removes those for which `take`
    /// returns true. A queue that does not exist has none.
    ///
    /// # Errors
    /// If the session is over.
    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error>;

    /// The number of consumers of `queue`, or `None` if it does not exist.
    ///
    /// # Errors
    /// If the session is over.
    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error>;

    /// Whether `queue` does not exist. A queue whose node is down exists.
    ///
    /// # Errors
    /// If the session is over.
    fn is_missing(&mut self, queue: &str) -> Result<bool, Error>;
}

/// Publishing.
pub trait Publish {
    /// Publishes `message` without waiting for the broker. Returns its number on this link, from 1; the
    /// [`Confirm`](super::Confirm) of that number tells whether the broker accepted it.
    ///
    /// # Errors
    /// If the session is over; [`Error::TooLarge`] if the broker would reject it, and nothing was published.
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error>;

    /// Sends what was published. Small messages are collected: a [`Link`] sends them when it is polled or waits, at the
    /// latest.
    ///
    /// # Errors
    /// If the session is over.
    fn flush(&mut self) -> Result<(), Error>;

    /// Checks that the broker accepts messages of this size. It closes the channel on which a larger one is published.
    ///
    /// # Errors
    /// If the session is over; [`Error::TooLarge`] if the broker does not accept them.
    fn check_size(&mut self, bytes: usize) -> Result<(), Error>;

    /// Whether the broker accepts no messages for now, as in a memory alarm.
    fn is_blocked(&self) -> bool;
}

/// Consuming and settling deliveries.
pub trait Consume {
    /// Starts to consume `queue`, with at most `prefetch` deliveries in flight.
    ///
    /// # Errors
    /// If the session is over; [`Error::LockHeld`] if another consumer is exclusive, or this one cannot be.
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error>;

    /// Changes the prefetch of a consumer, by its index in the order of the calls of [`Consume::consume`]. No delivery
    /// is lost or reordered. Surplus deliveries return to the queue; their tags are returned.
    ///
    /// # Errors
    /// If the session is over.
    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error>;

    /// Stops consuming. Deliveries that were not polled return to their queue; their tags are returned. Polled
    /// deliveries can still be settled.
    ///
    /// # Errors
    /// If the session is over.
    fn cancel(&mut self) -> Result<Vec<u64>, Error>;

    /// Publishes the delivery once more, to the queue `to`: `body` and all its properties, with `headers` added;
    /// persistent and mandatory. Returns its number, as [`Publish::publish`] does.
    ///
    /// # Errors
    /// As for [`Publish::publish`].
    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error>;

    /// Acknowledges the delivery.
    ///
    /// # Errors
    /// If the session is over.
    fn acknowledge(&mut self, tag: u64) -> Result<(), Error>;

    /// Acknowledges the delivery and each earlier one that is not settled.
    ///
    /// # Errors
    /// If the session is over.
    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error>;

    /// Returns the delivery to its queue.
    ///
    /// # Errors
    /// If the session is over.
    fn requeue(&mut self, tag: u64) -> Result<(), Error>;
}

/// A queue that only the component uses. It is durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnQueue<'q> {
    /// A time to live in milliseconds, and the queue to which messages move when it has passed.
    pub delay: Option<(u32, &'q str)>,
    /// After how many milliseconds without use the broker deletes the queue.
    pub expires_after_ms: Option<u32>,
    /// Whether it keeps the newest message only.
    pub newest_only: bool,
}

/// How an exchange was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// As it is configured.
    AsConfigured,
    /// Without the delay, because the broker does not have the plugin.
    WithoutDelay,
}

/// Who may consume a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Any number of consumers; each message goes to one of them.
    Shared,
    /// Only this consumer, which makes the queue a lock.
    Exclusive,
}
