//! Publishes messages without waiting for each, and counts what became of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Message;
use crate::broker::amqp::operator::{OperatorEvent, OperatorLink, Outcome, Settled};
use crate::commands::console::{Console, Progress};
use crate::commands::exit::Stop;
use crate::commands::invocation::Invocation;

/// The most unconfirmed messages.
const MAX_IN_FLIGHT: usize = 1000;

/// How long the broker may confirm nothing.
const CONFIRM_LIMIT: Duration = Duration::from_secs(10);

/// The messages that are published and not confirmed yet, and the counts of those that are.
pub(super) struct Window<'i, 'l> {
    invocation: &'i Invocation,
    /// `None` if nothing is published.
    link: Option<&'i mut OperatorLink<'l>>,
    /// The keys of the unconfirmed messages.
    in_flight: BTreeMap<u64, String>,
    counts: Counts,
    /// The first message that no queue has, and why.
    refused: Option<Stop>,
    last_confirm: Instant,
    progress: Progress,
}

/// What became of the messages.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Counts {
    /// Checked, and not published, because of `--dry-run`.
    #[serde(skip_serializing_if = "is_zero")]
    checked: u64,
    /// A queue has them.
    published: u64,
    unroutable: u64,
    nacked: u64,
    /// What became of them is not known.
    unconfirmed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde requires")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl<'i, 'l> Window<'i, 'l> {
    pub(super) fn new(invocation: &'i Invocation, link: Option<&'i mut OperatorLink<'l>>) -> Self {
        let progress = invocation.console.progress(0);
        let (in_flight, counts, last_confirm) = (BTreeMap::new(), Counts::default(), Instant::now());
        Self { invocation, link, in_flight, counts, refused: None, last_confirm, progress }
    }

    /// Publishes a message. False if no more should be published, because one was refused or Ctrl-C was pressed.
    pub(super) fn publish(&mut self, message: &Message) -> Result<bool, Stop> {
        let Some(link) = self.link.as_deref_mut() else {
            self.counts.checked += 1;
            return Ok(!self.invocation.is_interrupted());
        };
        if self.in_flight.is_empty() {
            self.last_confirm = Instant::now();
        }
        let sequence = link.publish(message.publication())?;
        let place = if message.exchange.is_empty() {
            message.key.clone()
        } else {
            format!("{} with the key {}", message.exchange, message.key)
        };
        self.in_flight.insert(sequence, place);
        self.counts.unconfirmed += 1;
        self.poll()?;
        while self.in_flight.len() >= MAX_IN_FLIGHT && self.may_go_on() {
            self.wait(CONFIRM_LIMIT)?;
        }
        Ok(self.may_go_on())
    }

    /// Waits, and receives confirms meanwhile. False as for [`Self::publish`].
    pub(super) fn wait_until(&mut self, due: Instant) -> Result<bool, Stop> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.may_go_on() {
                return Ok(self.may_go_on());
            }
            self.wait(left)?;
        }
    }

    /// Waits for the confirms of all that was published. Fails if a message was refused.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        // After Ctrl-C as well: the broker has the messages, and only has to say so.
        while !self.in_flight.is_empty() {
            self.wait_for_confirms()?;
        }
        self.refused.take().map_or(Ok(()), Err)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn summary(&self) -> String {
        let Counts { checked, published, unroutable, nacked, unconfirmed } = self.counts;
        let mut text = match self.link {
            Some(_) => format!("published {published}"),
            None => format!("would publish {checked}"),
        };
        for (count, what) in [(unroutable, "that no queue has"), (nacked, "rejected"), (unconfirmed, "not confirmed")] {
            if count > 0 {
                text = format!("{text}, {count} {what}");
            }
        }
        text
    }

    fn may_go_on(&self) -> bool {
        self.refused.is_none() && !self.invocation.is_interrupted()
    }

    fn wait(&mut self, limit: Duration) -> Result<(), Stop> {
        if let Some(link) = self.link.as_deref_mut() {
            link.wait(false, &self.invocation.shutdown, limit.min(CONFIRM_LIMIT))?;
        } else {
            self.invocation.pause(limit);
        }
        self.poll()
    }

    /// Waits at most until the limit for confirms, also after Ctrl-C.
    fn wait_for_confirms(&mut self) -> Result<(), Stop> {
        let Some(link) = self.link.as_deref_mut() else { return Ok(()) };
        link.wait(false, &self.invocation.shutdown, Duration::from_millis(100))?;
        if self.invocation.is_interrupted() {
            // The wait returned at once.
            std::thread::sleep(Duration::from_millis(5));
        }
        self.poll()
    }

    fn poll(&mut self) -> Result<(), Stop> {
        let Some(link) = self.link.as_deref_mut() else { return Ok(()) };
        while let Some(OperatorEvent::Settled(Settled { sequence, outcome })) = link.poll(false)? {
            self.last_confirm = Instant::now();
            let place = self.in_flight.remove(&sequence).unwrap_or_default();
            self.counts.unconfirmed -= 1;
            self.progress.step();
            let (count, reason) = match outcome {
                Outcome::Routed => (&mut self.counts.published, None),
                Outcome::Unroutable => (&mut self.counts.unroutable, Some("no queue has the message published to")),
                Outcome::Nacked => (&mut self.counts.nacked, Some("the broker rejected a message published to")),
            };
            *count += 1;
            if let Some(reason) = reason
                && self.refused.is_none()
            {
                self.refused = Some(Stop::no(format!("{reason} {}", Console::clean(place))));
            }
        }
        if !self.in_flight.is_empty() && self.last_confirm.elapsed() > CONFIRM_LIMIT {
            let reason = if link.is_blocked() {
                "it accepts no messages for now, because of an alarm"
            } else {
                "it may be frozen"
            };
            let count = self.in_flight.len();
            self.in_flight.clear();
            return Err(Stop::timed_out(format!(
                "the broker has not confirmed {count} messages within {} s; {reason}",
                CONFIRM_LIMIT.as_secs()
            )));
        }
        Ok(())
    }
}
