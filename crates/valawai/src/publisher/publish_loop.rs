//! The loop that publishes the messages of a source in one session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{SOURCE_LIMIT, SourcePublisher};
use crate::broker::backoff::Backoff;
use crate::broker::{Confirm, Error, Event, Link, Returned};
use crate::consumer::{Publish, Publishes, Unconfirmed};
use crate::failure::Failure;
use crate::health::status::StatusGuard;
use crate::message::Outgoing;
use crate::mov::log::{Entry, Severity};
use crate::operations::tap::What;
use crate::shutdown::Shutdown;

/// How often the loop checks deadlines if nothing happens.
const TICK: Duration = Duration::from_secs(1);

/// The same while the component stops, when nothing signals that the source has returned.
const STOPPING_TICK: Duration = Duration::from_millis(20);

/// How many messages are published between two looks at what the broker answered.
const BATCH: usize = 64;

/// The pauses after the broker rejected a message.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) struct PublishLoop<'p> {
    publisher: &'p SourcePublisher,
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
    pub(super) fn new(publisher: &'p SourcePublisher, link: &'p mut dyn Link) -> Self {
        Self {
            publisher,
            link,
            session: publisher.outbox.begin_session(),
            publishes: Publishes::default(),
            unconfirmed: Unconfirmed::new(&publisher.status, publisher.confirm_limit, Instant::now()),
            rejection: None,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            paused_until: None,
            stopping_since: None,
        }
    }

    /// Runs until the shutdown, and then until the source has returned, or its time is up, and everything is confirmed.
    pub(super) fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        loop {
            if self.stopping_since.is_none() && shutdown.is_requested() {
                self.stopping_since = Some(Instant::now());
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
        if self.publisher.is_leaving.load(Ordering::Relaxed) {
            return self.publishes.oldest().is_none();
        }
        let source_is_over = !self.publisher.is_source_running() || since.elapsed() > SOURCE_LIMIT;
        source_is_over && self.publisher.outbox.count() == 0
    }

    fn next(&mut self) -> Option<(u64, Arc<Outgoing>)> {
        let is_leaving = self.stopping_since.is_some() && self.publisher.is_leaving.load(Ordering::Relaxed);
        if is_leaving || self.paused_until.is_some_and(|until| until > Instant::now()) {
            return None;
        }
        self.paused_until = None;
        self.publisher.outbox.next(self.session)
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
                let tap = &self.publisher.operations.tap;
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
        if self.publisher.unroutable.lock().add(&returned.to, self.link, Instant::now())? {
            self.publisher.operations.metrics.count_unroutable();
        } else {
            self.publishes.require_arrival(returned);
        }
        Ok(())
    }

    fn handle_confirm(&mut self, confirm: Confirm) {
        for sequence in self.publishes.confirmed_by(confirm) {
            let Some(publish) = self.publishes.take(sequence) else { continue };
            if confirm.accepted && !publish.returned {
                self.publisher.unroutable.lock().remove(&publish.to);
            }
            if confirm.accepted && !(publish.returned && publish.must_arrive) {
                self.publisher.outbox.confirmed(publish.tag);
                if let Some(metrics) = self.publisher.metrics() {
                    metrics.count_published();
                }
                self.rejection = None;
                self.backoff.reset();
            } else {
                self.publisher.outbox.rejected(self.session, publish.tag);
                self.note_rejection();
                self.paused_until = self.paused_until.or_else(|| Some(Instant::now() + self.backoff.pause()));
            }
        }
        self.publishes.forget_confirmed();
    }

    fn check_confirms(&mut self) -> Result<(), Error> {
        let (link, oldest) = (&*self.link, self.publisher.outbox.oldest());
        if self.unconfirmed.check(oldest, || link.is_blocked(), Instant::now()) {
            return Err(Error::ReopenRequired { reason: "the broker does not accept what a source publishes" });
        }
        Ok(())
    }

    fn note_rejection(&mut self) {
        let SourcePublisher { source, status, .. } = self.publisher;
        self.rejection.get_or_insert_with(|| {
            let channel = source.channel.short();
            log::warn!(
                "the broker rejects messages on {channel}, as a full queue does; they are published again later"
            );
            status.mark_stalled()
        });
    }

    fn wait(&mut self, shutdown: &Shutdown) {
        let until_resumed = |until: Instant| until.saturating_duration_since(Instant::now());
        let pause = self.paused_until.map_or(TICK, until_resumed).min(TICK).min(self.publisher.confirm_limit);
        let added = self.publisher.outbox.added();
        match self.stopping_since {
            None => self.link.wait_for_signal(added, Some(shutdown), pause),
            Some(_) => self.link.wait_for_signal(added, None, pause.min(STOPPING_TICK)),
        }
    }

    /// The broker closes the channel on which such a message is published.
    fn drop_too_large(&self, number: u64, message: &Outgoing, error: &Error) {
        let text = format!("A message for {} is dropped, because {error}", message.to);
        self.publisher.scope.log.add(Entry { severity: Severity::Error, message: text, payload: None });
        self.publisher.outbox.failed(number, Failure::refuse(error));
    }
}
