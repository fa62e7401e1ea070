//! The component's own queues, and the deliveries that wait for them.
//!
//! The broker may deny such a queue: it exists with other arguments, or the user has no permission. That is reported once,
//! and the deliveries for it are parked: they wait unacknowledged. The session and other messages go on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::broker::backoff::Backoff;
use crate::broker::{Error, Link, OwnQueue};
use crate::consumer::retry::RetryQueue;

/// When a queue is declared again, because the broker deletes unused retry queues.
const REDECLARE_AFTER: Duration = Duration::from_secs(20);

/// The pauses before a denied queue is declared again.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A delivery that is to be published once more, to one of the component's own queues.
pub(super) struct Forwarding {
    pub(super) tag: u64,
    pub(super) body: Vec<u8>,
    pub(super) message_id: Option<String>,
    pub(super) to: Target,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Whether the reason why it is parked was reported.
    pub(super) is_reported: bool,
}

/// One of the component's own queues.
pub(super) enum Target {
    Retry(RetryQueue),
    DeadLetters(String),
}

impl Target {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Retry(queue) => &queue.name,
            Self::DeadLetters(name) => name,
        }
    }

    fn options(&self) -> OwnQueue<'_> {
        match self {
            Self::Retry(queue) => queue.options(),
            Self::DeadLetters(_) => OwnQueue::default(),
        }
    }
}

/// Whether messages may be published to a queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// The broker denies the queue. The reason is given once.
    Denied(Option<String>),
}

enum State {
    Declared(Instant),
    Denied { until: Instant, backoff: Backoff },
}

#[derive(Default)]
pub(super) struct OwnQueues {
    states: HashMap<String, State>,
    /// Parked deliveries, and when to try them again.
    parked: Vec<(Instant, Forwarding)>,
}

impl OwnQueues {
    /// Declares `queue` if that is due.
    pub(super) fn prepare(&mut self, link: &mut dyn Link, queue: &Target, now: Instant) -> Result<Readiness, Error> {
        let mut known_backoff = None;
        match self.states.get(queue.name()) {
            Some(State::Declared(at)) if now.duration_since(*at) < REDECLARE_AFTER => return Ok(Readiness::Ready),
            Some(State::Denied { until, .. }) if now < *until => return Ok(Readiness::Denied(None)),
            Some(State::Denied { backoff, .. }) => known_backoff = Some(backoff.clone()),
            _ => {}
        }
        let (state, readiness) = match link.declare_own(queue.name(), &queue.options()) {
            Ok(()) => (State::Declared(now), Readiness::Ready),
            Err(Error::Denied { reason, .. }) => {
                let new_reason = known_backoff.is_none().then_some(reason);
                let mut backoff = known_backoff.unwrap_or_else(|| Backoff::new(FIRST_PAUSE, LONGEST_PAUSE));
                (State::Denied { until: now + backoff.pause(), backoff }, Readiness::Denied(new_reason))
            }
            Err(error) => return Err(error),
        };
        self.states.insert(queue.name().to_owned(), state);
        Ok(readiness)
    }

    /// Records that `queue` does not exist any more.
    pub(super) fn forget(&mut self, queue: &str) {
        self.states.remove(queue);
    }

    /// Parks `delivery` until its queue may be tried again.
    pub(super) fn park(&mut self, delivery: Forwarding, now: Instant) {
        let until = match self.states.get(delivery.to.name()) {
            Some(State::Denied { until, .. }) => *until,
            _ => now + LONGEST_PAUSE,
        };
        self.parked.push((until, delivery));
    }

    /// Removes the parked deliveries whose queues may be tried again.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Forwarding> {
        self.parked.extract_if(.., |(until, _)| *until <= now).map(|(_, delivery)| delivery).collect()
    }

    pub(super) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }
}
