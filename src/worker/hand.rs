//! What a worker has in hand in one session: the loop itself.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Worker;
use super::appetite::{Appetite, Change};
use super::book::Book;
use super::kill_switch::{self, KillSwitch};
use super::outages::Outages;
use super::refusals::Refusals;
use crate::broker::backoff::Backoff;
use crate::broker::{ATTEMPTS, Confirm, Delivery, Error, Event, Link, OwnQueue, Stop, Tag};
use crate::mov::log::{Entry, Severity};
use crate::router::{Burial, Fate};

/// A wait ends after so long at the latest, to look around.
const TICK: Duration = Duration::from_secs(1);

/// The pauses after messages that were given back, so that they do not come round and round.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// A queue of our own that vanishes when it is not used is declared again after so long.
const DECLARED_FOR: Duration = Duration::from_secs(20);

/// The longest reason that goes with a dead letter.
const LONGEST_REASON: usize = 500;

/// What a worker has in hand in one session.
pub(super) struct Hand<'w> {
    worker: &'w Worker,
    link: &'w mut dyn Link,
    session: u64,
    book: Book,
    outages: Outages,
    rest: Backoff,
    rests_until: Option<Instant>,
    kill_switch: KillSwitch,
    /// One for each queue.
    appetites: Vec<Appetite>,
    /// The component's own queues, and when they were declared.
    own_queues: HashMap<String, Instant>,
    refusals: Refusals<'w>,
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
            own_queues: HashMap::new(),
            refusals: Refusals::new(&worker.vitals),
        }
    }

    pub(super) fn work(&mut self, stop: &Stop) -> Result<(), Error> {
        while !is_called(stop) {
            if self.refusals.are_endless() {
                // In order: a quorum queue throws away what was in hand in too many sessions that broke off.
                self.finish()?;
                return Err(Error::Anew { reason: "the broker refuses all that is said" });
            }
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
                if self.book.returned(&returned) {
                    self.outages.begin(&returned.to);
                }
                self.own_queues.remove(&returned.to);
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
        match self.appetites[consumer].heard(message.body.len()) {
            Some(Change::Prefetch(prefetch)) => self.link.retune(consumer, prefetch)?,
            Some(Change::StartAnew) => {
                return Err(Error::Anew { reason: "much larger messages come than before, and fewer must be in hand" });
            }
            None => {}
        }
        if !self.book.heard(tag.number) {
            return Err(Error::lost("the broker does not count its deliveries as it should"));
        }
        let message_id = message.properties.message_id.clone();
        let fate = self.worker.router.decide(consumer, message);
        self.watch(&fate);
        match fate {
            Fate::Settle { said, once_sent } => {
                for message in &said {
                    let sequence = self.link.publish(message)?;
                    self.book.said(sequence, tag.number, message);
                }
                let log = self.book.closed(tag.number, once_sent);
                self.log(log);
                Ok(())
            }
            Fate::Retry { body, queue, attempts } => {
                self.declare_own(&queue.name, &queue.options())?;
                let headers = [(ATTEMPTS, &*attempts.to_string())];
                self.move_to(tag, &body, &queue.name, message_id.as_deref(), &headers)
            }
            Fate::Bury(burial) => self.bury(tag, &burial, message_id.as_deref()),
            Fate::GiveBack => self.give_back(tag.number),
        }
    }

    fn bury(&mut self, tag: Tag, burial: &Burial, message_id: Option<&str>) -> Result<(), Error> {
        self.declare_own(&burial.to, &OwnQueue::default())?;
        let reason = &burial.reason[..burial.reason.floor_char_boundary(LONGEST_REASON)];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let headers = [
            ("x-original-queue", &*burial.from),
            (ATTEMPTS, &*burial.attempts.to_string()),
            ("x-error", reason),
            ("x-failed-at", &*now.to_string()),
        ];
        self.move_to(tag, &burial.body, &burial.to, message_id, &headers)
    }

    /// Publishes a delivery once more to one of our own queues; it is acknowledged when it arrived there.
    fn move_to(
        &mut self,
        tag: Tag,
        body: &[u8],
        to: &str,
        message_id: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<(), Error> {
        let sequence = self.link.forward(tag, body, to, headers)?;
        self.book.moved(sequence, tag.number, to, message_id, body.len());
        self.book.closed(tag.number, Vec::new());
        Ok(())
    }

    /// Declares one of our own queues when it is first needed, and again before it can have vanished.
    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        if self.own_queues.get(queue).is_none_or(|declared| declared.elapsed() > DECLARED_FOR) {
            self.link.declare_own(queue, options)?;
            self.own_queues.insert(queue.to_owned(), Instant::now());
        }
        Ok(())
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

    fn confirm(&mut self, confirm: Confirm) -> Result<(), Error> {
        let settled = self.book.confirmed(confirm, &mut self.outages);
        if !settled.give_back.is_empty() {
            self.refusals.begin();
        }
        for number in settled.give_back {
            self.give_back(number)?;
        }
        if confirm.accepted {
            self.rest.reset();
            self.refusals.end();
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
