//! The loop that publishes the messages of a source or an outlet in one session.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::SOURCE_LIMIT;
use crate::broker::backoff::Backoff;
use crate::broker::{Confirm, Error, Event, Link, Returned};
use crate::clock;
use crate::component::outbox::Outbox;
use crate::consumer::{Publish, Publishes, Unconfirmed, Unroutable};
use crate::failure::Failure;
use crate::health::status::{ConsumerStatus, StatusGuard};
use crate::message::Outgoing;
use crate::mov::log::{Entry, MovLog, Severity};
use crate::operations::Operations;
use crate::operations::channel_metrics::ChannelMetrics;
use crate::operations::tap::What;
use crate::shutdown::Shutdown;

/// How often the loop checks deadlines if nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// The same while the component stops, when nothing signals that the source has returned.
const STOPPING_TICK: Duration = Duration::from_millis(20);

/// How many messages are published between two looks at what the broker answered.
const BATCH: usize = 64;

/// The pauses after the broker rejected a message.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is published, and where that is reported.
pub(super) struct Feed<'p> {
    /// For the log.
    pub(super) name: Cow<'p, str>,
    pub(super) outbox: &'p Outbox,
    pub(super) log: &'p MovLog,
    pub(super) unroutable: &'p Mutex<Unroutable>,
    pub(super) status: &'p ConsumerStatus,
    pub(super) operations: &'p Operations,
    pub(super) metrics: Option<Arc<ChannelMetrics>>,
    pub(super) confirm_limit: Duration,
    /// The queue that is declared again when it was deleted.
    pub(super) own_queue: Option<&'p str>,
    /// Whether the component moves to another broker: what is published is confirmed first, and nothing more is published.
    pub(super) is_leaving: Option<&'p AtomicBool>,
    /// Whether more may be added after the shutdown.
    pub(super) is_source_running: Box<dyn Fn() -> bool + 'p>,
}

impl Feed<'_> {
    fn is_leaving(&self) -> bool {
        self.is_leaving.is_some_and(|is_leaving| is_leaving.load(Ordering::Relaxed))
    }
}

pub(super) struct PublishLoop<'p> {
    feed: Feed<'p>,
    link: &'p mut dyn Link,
    /// The number of the session in the outbox.
    session: u64,
    /// The unconfirmed messages, with their numbers in the outbox as tags.
    publishes: Publishes,
    /// How long the oldest message has not been accepted, over all attempts to publish it.
    unconfirmed: Unconfirmed<'p>,
    /// The broker rejected the last message that it answered, which makes the component unhealthy after a while.
    rejection: Option<StatusGuard<'p>>,
    backoff: Backoff,
    paused_until: Option<Instant>,
    stopping_since: Option<Instant>,
}

impl<'p> PublishLoop<'p> {
    pub(super) fn new(feed: Feed<'p>, link: &'p mut dyn Link) -> Self {
        Self {
            link,
            session: feed.outbox.begin_session(),
            publishes: Publishes::default(),
            unconfirmed: Unconfirmed::new(feed.status, feed.confirm_limit, clock::now()),
            rejection: None,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            paused_until: None,
            stopping_since: None,
            feed,
        }
    }

    /// Runs until the shutdown, and then until the source has returned, or its time is up, and everything is confirmed.
    pub(super) fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        loop {
            if self.stopping_since.is_none() && shutdown.is_requested() {
                self.stopping_since = Some(clock::now());
            }
            if self.is_finished() {
                return Ok(());
            }
            if let Some(event) = self.link.poll(false)? {
                self.handle(event)?;
            } else if !self.publish_next()? {
                self.check_confirms()?;
                self.wait(shutdown);
            }
        }
    }

    /// Whether the component stops and nothing more is to be published.
    fn is_finished(&self) -> bool {
        let Some(since) = self.stopping_since else { return false };
        if self.feed.is_leaving() {
            return self.publishes.oldest().is_none();
        }
        let source_is_over = !(self.feed.is_source_running)() || clock::since(since) > SOURCE_LIMIT;
        source_is_over && self.feed.outbox.count() == 0
    }

    fn next(&mut self) -> Option<(u64, Arc<Outgoing>)> {
        let is_leaving = self.stopping_since.is_some() && self.feed.is_leaving();
        if is_leaving || self.paused_until.is_some_and(|until| until > clock::now()) {
            return None;
        }
        self.paused_until = None;
        self.feed.outbox.next(self.session)
    }

    /// Publishes the next messages together: each poll writes to the socket. Returns whether there were any.
    fn publish_next(&mut self) -> Result<bool, Error> {
        for count in 0..BATCH {
            let Some((number, message)) = self.next() else { return Ok(count > 0) };
            self.publish(number, &message)?;
        }
        Ok(true)
    }

    fn publish(&mut self, number: u64, message: &Outgoing) -> Result<(), Error> {
        match self.link.publish(message) {
            Ok(sequence) => {
                let message_id = message.properties.message_id.as_deref();
                let tap = &self.feed.operations.tap;
                if tap.wants_messages() {
                    tap.add(What::Published, &message.to, message_id, &message.body);
                }
                let publish = Publish::new(number, Arc::clone(&message.to), message_id, message.body.len());
                self.publishes.add(sequence, publish);
                Ok(())
            }
            Err(error @ Error::TooLarge { .. }) => {
                self.drop_too_large(number, message, &error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Returned(returned) => return self.handle_returned(&returned),
            Event::Confirm(confirm) => self.handle_confirm(confirm),
            Event::Delivery(_) => {}
        }
        Ok(())
    }

    /// A message counts as published if its queue does not exist. If the node of the queue is down, it is published again.
    fn handle_returned(&mut self, returned: &Returned) -> Result<(), Error> {
        self.publishes.mark_returned(returned);
        if let Some(queue) = self.feed.own_queue {
            self.link.declare_route(queue, None)?;
            self.publishes.require_arrival(returned);
            return Ok(());
        }
        if self.feed.unroutable.lock().add(&returned.to, self.link, clock::now())? {
            self.feed.operations.metrics.count_unroutable();
        } else {
            self.publishes.require_arrival(returned);
        }
        Ok(())
    }

    fn handle_confirm(&mut self, confirm: Confirm) {
        for sequence in self.publishes.confirmed_by(confirm) {
            let Some(publish) = self.publishes.take(sequence) else { continue };
            if confirm.accepted && !publish.returned {
                self.feed.unroutable.lock().remove(&publish.to);
            }
            if confirm.accepted && !(publish.returned && publish.must_arrive) {
                self.feed.outbox.confirmed(publish.tag);
                if let Some(metrics) = &self.feed.metrics {
                    metrics.count_published();
                }
                self.rejection = None;
                self.backoff.reset();
            } else {
                self.feed.outbox.rejected(self.session, publish.tag);
                if !publish.returned {
                    self.note_rejection();
                }
                self.paused_until = self.paused_until.or_else(|| Some(clock::now() + self.backoff.pause()));
            }
        }
        self.publishes.forget_confirmed();
    }

    fn check_confirms(&mut self) -> Result<(), Error> {
        let (link, oldest) = (&*self.link, self.feed.outbox.oldest());
        if self.unconfirmed.check(oldest, || link.is_blocked(), clock::now()) {
            return Err(Error::ReopenRequired { reason: "the broker does not accept what a source publishes" });
        }
        Ok(())
    }

    fn note_rejection(&mut self) {
        let Feed { name, status, .. } = &self.feed;
        self.rejection.get_or_insert_with(|| {
            log::warn!("the broker rejects messages on {name}, as a full queue does; they are published again later");
            status.mark_stalled()
        });
    }

    fn wait(&mut self, shutdown: &Shutdown) {
        let until_resumed = |until: Instant| until.saturating_duration_since(clock::now());
        let pause = self.paused_until.map_or(TICK, until_resumed).min(TICK).min(self.feed.confirm_limit);
        let added = self.feed.outbox.added();
        match self.stopping_since {
            None => self.link.wait_for_signal(false, added, Some(shutdown), pause),
            Some(_) => self.link.wait_for_signal(false, added, None, pause.min(STOPPING_TICK)),
        }
    }

    /// The broker closes the channel on which such a message is published.
    fn drop_too_large(&self, number: u64, message: &Outgoing, error: &Error) {
        let text = format!("A message for {} is dropped, because {error}", message.to);
        self.feed.log.add(Entry::plain(Severity::Error, text));
        if let Some(metrics) = &self.feed.metrics {
            metrics.count_dropped();
        }
        self.feed.outbox.failed(number, Failure::refuse(error));
    }
}
