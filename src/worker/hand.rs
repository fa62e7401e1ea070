//! What a worker has in hand in one session: the loop itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Worker;
use super::appetite::Appetite;
use super::book::Book;
use super::kill_switch::{self, KillSwitch};
use super::outages::Outages;
use super::own_queues::OwnQueues;
use super::refusals::Refusals;
use super::unconfirmed::Unconfirmed;
use crate::broker::backoff::Backoff;
use crate::broker::{Confirm, Delivery, Error, Event, Link, Returned, Stop, Tag};
use crate::message::Outgoing;
use crate::mov::log::{Entry, Severity};
use crate::router::Fate;
use crate::vitals::Handlers;

/// A wait ends after so long at the latest, to look around.
const TICK: Duration = Duration::from_secs(1);

/// The pauses after messages that were given back, so that they do not come round and round.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// What was refused and did not come back after so long is somewhere else.
const COMES_BACK: Duration = Duration::from_secs(LONGEST_REST.as_secs() + 1);

/// Longest that a session which is to be reopened waits for the last confirms.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// What a worker has in hand in one session.
pub(super) struct Hand<'w> {
    pub(super) worker: &'w Worker,
    pub(super) link: &'w mut dyn Link,
    session: u64,
    pub(super) book: Book,
    outages: Outages,
    rest: Backoff,
    rests_until: Option<Instant>,
    kill_switch: KillSwitch,
    /// One for each queue.
    appetites: Vec<Appetite>,
    pub(super) own_queues: OwnQueues,
    refusals: Refusals<'w>,
    unconfirmed: Unconfirmed<'w>,
    handlers: Arc<Handlers>,
}

impl<'w> Hand<'w> {
    pub(super) fn new(worker: &'w Worker, link: &'w mut dyn Link) -> Self {
        Self {
            worker,
            link,
            session: 0,
            book: Book::default(),
            outages: Outages::default(),
            rest: Backoff::new(FIRST_REST, LONGEST_REST),
            rests_until: None,
            kill_switch: KillSwitch::new(worker.options.kill_switch),
            appetites: worker.router.queues().map(|_| Appetite::new(&worker.options)).collect(),
            own_queues: OwnQueues::default(),
            unconfirmed: Unconfirmed::new(&worker.vitals, worker.options.confirm_limit, Instant::now()),
            refusals: Refusals::new(&worker.vitals),
            handlers: worker.vitals.handlers(worker.router.tasks().map(str::to_owned).collect()),
        }
    }

    pub(super) fn work(&mut self, stop: &Stop) -> Result<(), Error> {
        while !is_called(stop) {
            if self.refusals.are_going_on() && self.refusals.are_endless(Instant::now()) {
                // In order: a quorum queue throws away what was in hand in too many sessions that broke off.
                if self.finish(Some((stop, Instant::now() + DRAIN_LIMIT)))? {
                    return Ok(());
                }
                return Err(Error::Anew { reason: "the broker refuses all that is said" });
            }
            let intake = self.may_take();
            if let Some(event) = self.link.poll(intake)? {
                self.handle(event)?;
            } else {
                self.acknowledge()?;
                self.look(Instant::now())?;
                self.link.wait(intake, Some(stop), self.longest_wait());
            }
        }
        self.finish(None).map(drop)
    }

    /// Hears no more, and waits for what is still to be confirmed. If that never comes, the session is cut: by its owner, or
    /// `before` it is called to stop or a deadline has passed. Returns whether it was called to stop.
    fn finish(&mut self, before: Option<(&Stop, Instant)>) -> Result<bool, Error> {
        for number in self.link.cancel()? {
            self.book.given_back(number);
        }
        while !self.book.is_settled() {
            if let Some((stop, deadline)) = before {
                if is_called(stop) {
                    // What is left has the time of an orderly stop.
                    return self.finish(None).map(|_| true);
                }
                if Instant::now() > deadline {
                    return Ok(false);
                }
            }
            if let Some(event) = self.link.poll(false)? {
                self.handle(event)?;
            } else {
                self.acknowledge()?;
                self.link.wait(false, before.map(|(stop, _)| stop), TICK);
            }
        }
        self.acknowledge()?;
        Ok(before.is_some_and(|(stop, _)| is_called(stop)))
    }

    /// Looks around: at what is late, and at what may be tried again.
    fn look(&mut self, now: Instant) -> Result<(), Error> {
        let link = &*self.link;
        if self.unconfirmed.look(self.book.oldest_unconfirmed(), || link.is_blocked(), now) {
            return Err(Error::Anew { reason: "the broker does not confirm what is said" });
        }
        if self.book.is_settled() {
            self.refusals.end_after(COMES_BACK, now);
        }
        self.carry_held(now)
    }

    fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Confirm(confirm) => self.confirm(confirm),
            Event::Returned(returned) => {
                self.own_queues.forget(&returned.to);
                self.come_back(&returned)
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
        if !self.book.heard(tag.number) {
            return Err(Error::lost("the broker does not count its deliveries as it should"));
        }
        let message_id = message.properties.message_id.clone();
        let bytes = message.body.len();
        let began = Instant::now();
        self.look(began)?;
        self.handlers.begin(consumer, began);
        let fate = self.worker.router.decide(consumer, message);
        self.handlers.end();
        let took = began.elapsed();
        self.watch(&fate);
        self.carry_out(consumer, fate, tag, message_id)?;
        self.retune(consumer, bytes, took)
    }

    /// Has more or fewer messages in hand, when what was handled last calls for it.
    fn retune(&mut self, consumer: usize, bytes: usize, took: Duration) -> Result<(), Error> {
        if let Some(prefetch) = self.appetites[consumer].handled(bytes, took) {
            for number in self.link.retune(consumer, prefetch)? {
                self.book.given_back(number);
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, consumer: usize, fate: Fate, tag: Tag, message_id: Option<String>) -> Result<(), Error> {
        match fate {
            Fate::Settle { said, once_sent, message } => match self.too_large(&said)? {
                None => self.say(&said, once_sent, tag),
                Some(reason) => {
                    let fate = self.worker.router.refuse_answer(consumer, message, reason);
                    self.carry_out(consumer, fate, tag, message_id)
                }
            },
            Fate::Retry { body, queue, attempts } => self.retry(tag, message_id, body, queue, attempts),
            Fate::Bury(burial) => self.bury(tag, message_id, burial),
            Fate::GiveBack => self.give_back(tag.number),
        }
    }

    fn say(&mut self, said: &[Outgoing], once_sent: Vec<Entry>, tag: Tag) -> Result<(), Error> {
        for message in said {
            let sequence = self.link.publish(message)?;
            self.book.said(sequence, tag.number, message);
        }
        let log = self.book.closed(tag.number, once_sent);
        self.log(log);
        Ok(())
    }

    /// Why the broker would not take one of `said`, before any of it is published.
    fn too_large(&mut self, said: &[Outgoing]) -> Result<Option<String>, Error> {
        let Some(largest) = said.iter().map(|message| message.body.len()).max() else { return Ok(None) };
        match self.link.accepts(largest) {
            Ok(()) => Ok(None),
            Err(error @ Error::TooLarge { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
        }
    }

    /// Pauses when too much fails.
    fn watch(&mut self, fate: &Fate) {
        let failed = !matches!(fate, Fate::Settle { .. });
        if let Some(failures) = self.kill_switch.record(failed) {
            let pause = kill_switch::PAUSE;
            let message = format!("{failures} of the last messages failed; nothing is heard for {pause:?}");
            self.worker.log.add(Entry { severity: Severity::Error, message, payload: None });
            self.rests_until = Some(Instant::now() + pause);
        }
    }

    /// A message came back. When nobody listens, it is done with; when its queue is only away, it must be said again.
    fn come_back(&mut self, returned: &Returned) -> Result<(), Error> {
        let is_answer = self.book.returned(returned);
        if is_answer && !self.outages.add(&returned.to, self.link, Instant::now())? {
            self.book.must_arrive(returned);
        }
        Ok(())
    }

    fn confirm(&mut self, confirm: Confirm) -> Result<(), Error> {
        let settled = self.book.confirmed(confirm, &mut self.outages);
        if !settled.give_back.is_empty() {
            self.refusals.add(Instant::now());
        } else if settled.arrived {
            self.rest.reset();
            self.refusals.end();
        }
        for number in settled.give_back {
            self.give_back(number)?;
        }
        self.log(settled.log);
        Ok(())
    }

    fn acknowledge(&mut self) -> Result<(), Error> {
        if self.book.is_holding() {
            // What is held must not be acknowledged with those behind it.
            for number in self.book.take_each_acknowledgeable() {
                self.link.acknowledge(self.tag(number))?;
            }
            return Ok(());
        }
        match self.book.take_acknowledgeable() {
            Some(number) => self.link.acknowledge_up_to(self.tag(number)),
            None => Ok(()),
        }
    }

    fn give_back(&mut self, number: u64) -> Result<(), Error> {
        self.rests_until = self.rests_until.max(Some(Instant::now() + self.rest.pause()));
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
        self.rests_until.is_none() && self.book.waiting_bytes() < self.worker.options.bytes_in_hand
    }

    fn longest_wait(&self) -> Duration {
        self.rests_until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK))
    }
}

fn is_called(stop: &Stop) -> bool {
    stop.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected)
}
