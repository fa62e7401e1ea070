//! The loop that hears, answers and settles.
//!
//! It never waits for one confirm before it takes the next message: answers are published as they come, confirms are
//! taken as they come, and what is confirmed without a gap is acknowledged in one go. How many messages are under way
//! at once is bounded by the prefetch, and by the bytes that wait for a confirm.

mod book;
#[cfg(test)]
mod book_tests;
mod outages;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::book::Book;
use self::outages::Outages;
use crate::broker::backoff::Backoff;
use crate::broker::{Access, Confirm, Delivery, Error, Event, Link, Stop, Tag};
use crate::mov::log::{Entry, MovLog};
use crate::router::{Fate, Router};

/// Bytes that may wait for a confirm before no more messages are taken.
const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// A wait ends after so long at the latest, to look around.
const TICK: Duration = Duration::from_secs(1);

/// The pauses after messages that were given back, so that they do not come round and round.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What a worker needs to work; clones serve other workers and later sessions.
#[derive(Clone)]
pub struct Worker {
    router: Arc<Router>,
    log: MovLog,
    prefetch: u16,
}

impl Worker {
    /// A worker that lets `router` decide, with at most `prefetch` messages in hand.
    #[must_use]
    pub fn new(router: Router, log: MovLog, prefetch: u16) -> Self {
        Self { router: Arc::new(router), log, prefetch }
    }

    /// Hears the router's queues until `stop`, and then finishes what is in hand. Calls `ready` when it hears them all.
    ///
    /// # Errors
    /// When the session is over. What was in hand is heard again in the next one.
    pub fn run(&self, link: &mut dyn Link, stop: &Stop, ready: impl FnOnce()) -> Result<(), Error> {
        for queue in self.router.queues() {
            link.declare(queue)?;
            link.consume(queue, Access::Shared, self.prefetch)?;
        }
        ready();
        Hand::new(self, link).work(stop)
    }
}

/// What a worker has in hand in one session.
struct Hand<'w> {
    worker: &'w Worker,
    link: &'w mut dyn Link,
    session: u64,
    book: Book,
    outages: Outages,
    rest: Backoff,
    rests_until: Option<Instant>,
}

impl<'w> Hand<'w> {
    fn new(worker: &'w Worker, link: &'w mut dyn Link) -> Self {
        let rest = Backoff::new(FIRST_REST, LONGEST_REST);
        Self { worker, link, session: 0, book: Book::default(), outages: Outages::default(), rest, rests_until: None }
    }

    fn work(&mut self, stop: &Stop) -> Result<(), Error> {
        while !is_called(stop) {
            let intake = self.may_take();
            if let Some(event) = self.link.poll(intake)? {
                self.handle(event)?;
            } else {
                self.acknowledge()?;
                self.link.wait(intake, Some(stop), self.longest_wait());
            }
        }
        self.finish()
    }

    /// Hears no more, and waits for what is still to be confirmed. If that never comes, the session is cut.
    fn finish(&mut self) -> Result<(), Error> {
        self.link.cancel()?;
        while !self.book.is_settled() {
            if let Some(event) = self.link.poll(false)? {
                self.handle(event)?;
            } else {
                self.acknowledge()?;
                self.link.wait(false, None, TICK);
            }
        }
        self.acknowledge()
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Confirm(confirm) => self.confirm(confirm),
            Event::Returned(returned) => {
                self.outages.begin(&returned.to);
                self.book.returned(&returned);
                Ok(())
            }
            Event::Delivery(delivery) => {
                // The confirms that came together end here, and are acknowledged together.
                self.acknowledge()?;
                self.answer(delivery)
            }
        }
    }

    fn answer(&mut self, delivery: Delivery) -> Result<(), Error> {
        let Delivery { tag, consumer, message } = delivery;
        self.session = tag.session;
        self.book.heard(tag.number);
        match self.worker.router.decide(consumer, message) {
            Fate::Settle { said, once_sent } => {
                for message in &said {
                    let sequence = self.link.publish(message)?;
                    self.book.said(sequence, tag.number, message);
                }
                let log = self.book.closed(tag.number, once_sent);
                self.log(log);
                Ok(())
            }
            Fate::GiveBack => self.give_back(tag.number),
        }
    }

    fn confirm(&mut self, confirm: Confirm) -> Result<(), Error> {
        let settled = self.book.confirmed(confirm, &mut self.outages);
        for number in settled.give_back {
            log::warn!("the broker refused an answer; the message is heard again later");
            self.give_back(number)?;
        }
        if confirm.accepted {
            self.rest.reset();
        }
        self.log(settled.log);
        Ok(())
    }

    fn acknowledge(&mut self) -> Result<(), Error> {
        match self.book.take_acknowledgeable() {
            Some(number) => self.link.acknowledge_up_to(self.tag(number)),
            None => Ok(()),
        }
    }

    fn give_back(&mut self, number: u64) -> Result<(), Error> {
        self.rests_until = Some(Instant::now() + self.rest.pause());
        self.book.given_back(number);
        self.link.give_back(self.tag(number))
    }

    fn tag(&self, number: u64) -> Tag {
        Tag { session: self.session, number }
    }

    fn log(&self, entries: Vec<Entry>) {
        for entry in entries {
            self.worker.log.add(entry);
        }
    }

    fn may_take(&mut self) -> bool {
        if self.rests_until.is_some_and(|until| until <= Instant::now()) {
            self.rests_until = None;
        }
        self.rests_until.is_none() && self.book.waiting_bytes() < WINDOW_BYTES
    }

    fn longest_wait(&self) -> Duration {
        self.rests_until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK))
    }
}

fn is_called(stop: &Stop) -> bool {
    stop.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected)
}
