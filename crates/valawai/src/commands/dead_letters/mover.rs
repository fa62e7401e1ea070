//! Publishes the messages of a queue again, and removes each when a queue has it.
//!
//! A message is acknowledged only after it was confirmed and not returned. So whatever is killed, and when: no message is lost, and
//! those that were published and not acknowledged are there twice, with the same identifier.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use super::acknowledgements::Acknowledgements;
use super::destinations::Destinations;
use super::letter;
use super::plan::{Left, Plan};
use super::report::Report;
use crate::broker::Error;
use crate::broker::amqp::operator::{Operator, OperatorEvent, OperatorLink, Outcome, Publication, Received, Settled};
use crate::commands::console::Progress;
use crate::commands::exit::Stop;
use crate::commands::invocation::Invocation;
use crate::commands::messages::{Activity, QUIET, Windows};
use crate::ids::fingerprint;

/// How much may be published and not confirmed.
const MAX_IN_FLIGHT: usize = 2048;
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// How long to wait before the state is checked.
const TICK: Duration = Duration::from_millis(500);

/// How long the broker may confirm nothing, or deliver nothing of a queue that has messages.
const LIMIT: Duration = Duration::from_secs(20);

/// Carries out a plan on a link.
pub(super) struct Mover<'m> {
    invocation: &'m Invocation,
    operator: &'m Operator,
    plan: &'m Plan,
    report: Report,
    progress: Progress,
    acknowledgements: Acknowledgements,
    /// Published messages: the tag of the delivery, the size, and the key.
    in_flight: BTreeMap<u64, (u64, usize, String)>,
    bytes: usize,
    taken: u64,
    published: u64,
    destinations: Destinations,
    /// What `--follow` has moved.
    moved_before: HashSet<u64>,
    next_publish: Instant,
    activity: Activity,
}

impl<'m> Mover<'m> {
    pub(super) fn new(invocation: &'m Invocation, operator: &'m Operator, plan: &'m Plan) -> Self {
        let now = Instant::now();
        Self {
            invocation,
            operator,
            plan,
            report: Report::default(),
            progress: invocation.console.progress(if plan.follow { 0 } else { plan.waiting }),
            acknowledgements: Acknowledgements::default(),
            in_flight: BTreeMap::new(),
            bytes: 0,
            taken: 0,
            published: 0,
            destinations: Destinations::default(),
            moved_before: HashSet::new(),
            next_publish: now,
            activity: Activity::new(),
        }
    }

    /// Moves the messages, until all that were there are moved or left. Returns what was done, also if it ended early.
    pub(super) fn run(mut self, link: &mut OperatorLink<'_>) -> (Report, Result<(), Stop>) {
        let result = self.run_to_end(link).and_then(|()| Ok(link.stop()?));
        self.report.unsettled = self.in_flight.len();
        (self.report, result)
    }

    fn run_to_end(&mut self, link: &mut OperatorLink<'_>) -> Result<(), Stop> {
        // Those that are left stay delivered until the end.
        let count = if self.plan.follow { u64::MAX } else { self.plan.waiting };
        let mut windows = Windows::open(link, &self.plan.from, count)?;
        let mut has_ended = false;
        loop {
            while let Some(event) = link.poll(!has_ended && self.may_take())? {
                self.activity.record();
                match event {
                    OperatorEvent::Received(message) => self.take(link, &message)?,
                    OperatorEvent::Settled(settled) => self.settle(settled),
                }
            }
            self.acknowledgements.send(link)?;
            has_ended |= self.has_taken_all() || self.invocation.is_interrupted();
            if has_ended && self.in_flight.is_empty() {
                return Ok(());
            }
            windows.widen(link, self.acknowledgements.count_left())?;
            self.wait(link, has_ended)?;
            let idle = self.activity.idle(link);
            if idle >= QUIET {
                has_ended |= self.check_idle(link, idle)?;
            }
        }
    }

    fn has_taken_all(&self) -> bool {
        let is_all = !self.plan.follow && self.taken >= self.plan.waiting;
        is_all || self.plan.count.is_some_and(|count| self.published >= count)
    }

    fn may_take(&self) -> bool {
        self.in_flight.len() < MAX_IN_FLIGHT
            && self.bytes < MAX_BYTES
            && !self.has_taken_all()
            && (self.plan.rate.is_none() || Instant::now() >= self.next_publish)
    }

    fn take(&mut self, link: &mut OperatorLink<'_>, message: &Received) -> Result<(), Stop> {
        self.taken += 1;
        self.progress.step();
        self.acknowledgements.delivered(message.tag);
        let destination =
            self.plan.destination(message).and_then(|destination| self.check_repeated(message, destination));
        match destination {
            Ok((exchange, key)) => self.publish(link, message, &exchange, key),
            Err(reason) => {
                self.leave(reason);
                Ok(())
            }
        }
    }

    /// With `--follow`, a message that dies again would be moved for ever.
    fn check_repeated<T>(&mut self, message: &Received, destination: T) -> Result<T, Left> {
        if !self.plan.follow {
            return Ok(destination);
        }
        let identity = message.properties.message_id().map_or(&message.body[..], str::as_bytes);
        if self.moved_before.insert(fingerprint(identity)) { Ok(destination) } else { Err(Left::MovedBefore) }
    }

    fn publish(
        &mut self,
        link: &mut OperatorLink<'_>,
        message: &Received,
        exchange: &str,
        key: String,
    ) -> Result<(), Stop> {
        if let Some(reason) = self.destinations.find_closed(self.operator, exchange, &key)? {
            self.leave(reason);
            return Ok(());
        }
        let properties = letter::replayed(&message.properties, self.plan.keep_attempts);
        let publication = Publication { exchange, key: &key, properties: &properties, body: &message.body };
        match link.publish(publication) {
            Ok(sequence) => {
                self.published += 1;
                self.bytes += message.body.len();
                self.in_flight.insert(sequence, (message.tag, message.body.len(), key));
                if let Some(rate) = self.plan.rate {
                    // A pause is not made up for.
                    self.next_publish = self.next_publish.max(Instant::now()) + Duration::from_secs_f64(1.0 / rate);
                }
                Ok(())
            }
            Err(Error::TooLarge { .. }) => {
                self.leave(Left::TooLarge);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn settle(&mut self, Settled { sequence, outcome }: Settled) {
        let Some((tag, bytes, key)) = self.in_flight.remove(&sequence) else { return };
        self.bytes -= bytes;
        let reason = match outcome {
            Outcome::Routed => {
                *self.report.moved.entry(key).or_default() += 1;
                self.acknowledgements.moved(tag);
                return;
            }
            Outcome::Unroutable => Left::Unroutable,
            Outcome::Nacked => Left::Rejected,
        };
        self.destinations.close(key, reason);
        self.leave(reason);
    }

    fn leave(&mut self, reason: Left) {
        self.acknowledgements.left();
        *self.report.left.entry(reason).or_default() += 1;
    }

    fn wait(&self, link: &mut OperatorLink<'_>, has_ended: bool) -> Result<(), Stop> {
        let until_publish = self.next_publish.saturating_duration_since(Instant::now());
        let is_limited = self.plan.rate.is_some() && !until_publish.is_zero();
        let limit = if is_limited { until_publish.min(TICK) } else { TICK };
        // After Ctrl-C only confirms are waited for.
        if self.invocation.is_interrupted() {
            let never = crate::shutdown::channel();
            return Ok(link.wait(false, &never.1, limit)?);
        }
        Ok(link.wait(!has_ended && self.may_take(), &self.invocation.shutdown, limit)?)
    }

    /// Called when nothing has happened for `idle`. Returns whether other consumers have taken what was left.
    fn check_idle(&self, link: &OperatorLink<'_>, idle: Duration) -> Result<bool, Stop> {
        if self.in_flight.is_empty() {
            if self.plan.follow || self.invocation.is_interrupted() {
                return Ok(false);
            }
            let messages = self.operator.inspect(&self.plan.from)?.map_or(0, |state| state.messages);
            if messages > 0 && idle > LIMIT {
                return Err(Stop::timed_out(format!("the broker delivers no messages of {}", self.plan.from)));
            }
            return Ok(messages == 0 && Instant::now() >= self.next_publish);
        }
        if idle > LIMIT {
            let why = if link.is_blocked() { "; it is in an alarm" } else { "; it may be frozen or overloaded" };
            return Err(Stop::timed_out(format!("the broker has confirmed nothing for {} s{why}", LIMIT.as_secs())));
        }
        Ok(false)
    }
}
