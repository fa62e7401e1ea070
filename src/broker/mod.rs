//! Messages in, messages out: what the rest of the library knows of a broker.
//!
//! A [`Session`] is one life of the connection to the broker; when anything about it breaks, the whole session is over
//! and the next one starts from nothing. A [`Link`] is what one thread has of a session: it hears, says and settles.
//! Two brokers implement them and pass the same contract tests: [`amqp`] and [`memory`].

pub mod amqp;
pub mod backoff;
mod error;
pub mod memory;

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

pub use error::Error;

use crate::message::{Message, Outgoing};

/// Bytes of messages that all workers of a session together aim to have in hand. With fewer, large messages wait for the
/// broker's confirms (docs/benchmarks.md).
pub const BYTES_IN_HAND: usize = 32 * 1024 * 1024;

/// Nothing is ever sent here: that its senders are gone is the message, and everybody hears it at once.
pub type Stop = Receiver<std::convert::Infallible>;

/// What a thread does with its link, or without one when the broker gives none. The session drops the link when the job
/// returns.
pub type Job = Box<dyn FnOnce(Result<&mut dyn Link, Error>) + Send>;

/// One life of the connection to a broker.
pub trait Session: Send {
    /// Starts a thread called `name` that does `job` with a link of its own, which consumes on the connection that
    /// `consumes_on` says. The link is opened on that thread, so the caller is not held up by a broker that does not
    /// answer.
    ///
    /// # Errors
    /// When the system gives no thread.
    fn spawn(&mut self, name: &str, consumes_on: ConsumeOn, job: Job) -> Result<(), Error>;

    /// Ends the session before `deadline`: waits for its threads, closes politely if they all ended, and cuts the line
    /// if not. Returns what had broken it, when something had.
    fn close(self: Box<Self>, deadline: Instant) -> Option<Error>;
}

/// Which connection a link consumes on. Messages that wait for a slow handler fill the connection that they came on, and
/// everything behind them waits too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeOn {
    /// One that other links use as well, and that all questions to the broker use: for what is taken promptly.
    Shared,
    /// One of its own.
    Own {
        /// No more than about so many bytes of bodies wait in it to be taken.
        held_bytes: usize,
    },
}

/// What one thread has of a session. It lives on that thread's stack and ends with the session.
pub trait Link {
    /// Makes sure that `queue` exists, as the platform wants it: durable, not exclusive, not auto-delete, no arguments.
    ///
    /// # Errors
    /// When the session is over, or the queue exists and is of another kind.
    fn declare(&mut self, queue: &str) -> Result<(), Error>;

    /// Makes sure that `queue`, one of the component's own, exists as `options` say.
    ///
    /// # Errors
    /// When the session is over, or the queue exists and is of another kind.
    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error>;

    /// Looks at the messages that wait in `queue`, up to [`MOST_BROWSED`], and takes those out for which `take` says so. The
    /// others stay where they are. A queue that is not there has none.
    ///
    /// # Errors
    /// When the session is over.
    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error>;

    /// How many consumers `queue` has, or `None` when it does not exist.
    ///
    /// # Errors
    /// When the session is over.
    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error>;

    /// Whether `queue` does not exist. One whose node is away exists.
    ///
    /// # Errors
    /// When the session is over.
    fn is_missing(&mut self, queue: &str) -> Result<bool, Error>;

    /// Makes sure that the broker takes messages of so many `bytes`. It closes the channel of one that is too large, so it is
    /// asked before the first one that is larger than all before.
    ///
    /// # Errors
    /// When the session is over; [`Error::TooLarge`] when it does not.
    fn accepts(&mut self, bytes: usize) -> Result<(), Error>;

    /// Starts to hear `queue`, with at most `prefetch` deliveries in hand.
    ///
    /// # Errors
    /// When the session is over; [`Error::Taken`] when somebody else hears it exclusively, or is to be excluded.
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error>;

    /// Has at most `prefetch` deliveries in hand from now on, of the queue at the place `consumer` in the order of the calls
    /// of [`Link::consume`]. Nothing that is under way is lost, or overtaken. What is too much goes back to the broker
    /// before it was polled; the numbers of those deliveries are returned.
    ///
    /// # Errors
    /// When the session is over.
    fn retune(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error>;

    /// Hears no more. What was delivered and not yet polled goes back to the broker; the numbers of those deliveries are
    /// returned. What was polled can still be settled.
    ///
    /// # Errors
    /// When the session is over.
    fn cancel(&mut self) -> Result<Vec<u64>, Error>;

    /// Hands `message` to the broker, without waiting for it. Returns its number on this link, from 1; only the
    /// [`Confirm`] of that number says that the broker has it.
    ///
    /// # Errors
    /// When the session is over; [`Error::TooLarge`] when the broker would not take it, and nothing was published.
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error>;

    /// Publishes the delivery of `tag` once more, to the queue `to`: `body` and all its properties, with `headers` added;
    /// persistent and mandatory. Returns its number, as [`Link::publish`] does.
    ///
    /// # Errors
    /// When the session is over, or the delivery is settled already; [`Error::TooLarge`] as for [`Link::publish`].
    fn forward(&mut self, tag: Tag, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error>;

    /// Tells the broker that the delivery of `tag` is done with.
    ///
    /// # Errors
    /// When the session is over.
    fn acknowledge(&mut self, tag: Tag) -> Result<(), Error>;

    /// Tells the broker that the delivery of `tag`, and each one before it that is not settled yet, is done with.
    ///
    /// # Errors
    /// When the session is over.
    fn acknowledge_up_to(&mut self, tag: Tag) -> Result<(), Error>;

    /// Gives the delivery of `tag` back, to be heard again, here or elsewhere.
    ///
    /// # Errors
    /// When the session is over.
    fn give_back(&mut self, tag: Tag) -> Result<(), Error>;

    /// The next event, if one is there: returned messages before confirms, and deliveries last and only if `intake`.
    ///
    /// # Errors
    /// When the session is over, or a heard queue was deleted.
    fn poll(&mut self, intake: bool) -> Result<Option<Event>, Error>;

    /// Waits until an event may be there, `stop` was called (`None` when that is known already), or `limit` has passed.
    fn wait(&mut self, intake: bool, stop: Option<&Stop>, limit: Duration);

    /// Whether the broker takes no messages for now, as in a memory alarm.
    fn is_blocked(&self) -> bool;
}

/// The header that counts how often a message was tried in vain.
pub const ATTEMPTS: &str = "x-attempts";

/// How many waiting messages are looked at, at the most.
pub const MOST_BROWSED: usize = 100;

/// A queue that is the component's own affair. It is durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnQueue<'q> {
    /// Its messages leave it after so many milliseconds, for the queue named.
    pub delay: Option<(u32, &'q str)>,
    /// It vanishes when it was not used for so many milliseconds.
    pub vanishes_after_ms: Option<u32>,
    /// It keeps only the newest message, which may be looked at as often as one likes.
    pub newest_only: bool,
}

/// Who may hear a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; each message goes to one of them.
    Shared,
    /// Nobody else, which makes the queue a lock.
    Exclusive,
}

/// What happens on a link.
#[derive(Debug)]
pub enum Event {
    /// A message was heard.
    Delivery(Delivery),
    /// The broker took, or refused, what was said.
    Confirm(Confirm),
    /// What was said found no queue. Its confirm follows.
    Returned(Returned),
}

/// A message heard, to be settled by its tag.
#[derive(Debug)]
pub struct Delivery {
    /// Settles it, on the link that it came from.
    pub tag: Tag,
    /// The queue it was heard on: an index in the order of the calls of [`Link::consume`].
    pub consumer: usize,
    /// The message.
    pub message: Message,
}

/// Names a delivery. Tags of one link count from 1; a tag of another session means nothing to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The life of the connection that it belongs to.
    pub session: u64,
    /// Its number in it.
    pub number: u64,
}

/// The broker's word on what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    /// The number that [`Link::publish`] returned.
    pub sequence: u64,
    /// Everything published before is meant too.
    pub multiple: bool,
    /// The broker has it; otherwise it refused it.
    pub accepted: bool,
}

/// A mandatory message that no queue was there for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The queue that is missing.
    pub to: String,
    /// The message's identifier.
    pub message_id: Option<String>,
}
