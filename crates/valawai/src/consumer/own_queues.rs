//! Messages on their way to one of the component's own queues, and those that have to wait for such a queue.
//!
//! A queue of our own may be there with other arguments, or be forbidden. That is reported once, and what should go there
//! waits unacknowledged: neither the session nor other messages pay for it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::broker::backoff::Backoff;
use crate::broker::{Error, Link, OwnQueue};
use crate::consumer::retry::RetryQueue;

/// A queue of our own that vanishes when it is not used is declared again after so long.
const DECLARED_FOR: Duration = Duration::from_secs(20);

/// The pauses until a queue that the broker refused is tried again.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A delivery that is to be published once more, to one of our own queues.
pub(super) struct Forwarding {
    pub(super) tag: u64,
    pub(super) body: Vec<u8>,
    pub(super) message_id: Option<String>,
    pub(super) to: Target,
    pub(super) headers: Vec<(&'static str, String)>,
    /// Whether it was reported why it is held.
    pub(super) is_reported: bool,
}

/// One of our own queues.
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

/// Whether a message may be sent to a queue of our own.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// The broker refused it; the reason, when it is news.
    Refused(Option<String>),
}

enum State {
    Declared(Instant),
    Refused { until: Instant, pause: Backoff },
}

#[derive(Default)]
pub(super) struct OwnQueues {
    states: HashMap<String, State>,
    held: Vec<(Instant, Forwarding)>,
}

impl OwnQueues {
    /// Declares `queue` when it is first needed, and again before it can have vanished.
    pub(super) fn prepare(&mut self, link: &mut dyn Link, queue: &Target, now: Instant) -> Result<Readiness, Error> {
        let mut earlier_pause = None;
        match self.states.get(queue.name()) {
            Some(State::Declared(at)) if now.duration_since(*at) < DECLARED_FOR => return Ok(Readiness::Ready),
            Some(State::Refused { until, .. }) if now < *until => return Ok(Readiness::Refused(None)),
            Some(State::Refused { pause, .. }) => earlier_pause = Some(pause.clone()),
            _ => {}
        }
        let (state, readiness) = match link.declare_own(queue.name(), &queue.options()) {
            Ok(()) => (State::Declared(now), Readiness::Ready),
            Err(Error::Denied { reason, .. }) => {
                let news = earlier_pause.is_none().then_some(reason);
                let mut pause = earlier_pause.unwrap_or_else(|| Backoff::new(FIRST_PAUSE, LONGEST_PAUSE));
                (State::Refused { until: now + pause.pause(), pause }, Readiness::Refused(news))
            }
            Err(error) => return Err(error),
        };
        self.states.insert(queue.name().to_owned(), state);
        Ok(readiness)
    }

    /// The queue is not there any more.
    pub(super) fn forget(&mut self, queue: &str) {
        self.states.remove(queue);
    }

    /// Keeps `delivery` until its queue may be tried again.
    pub(super) fn hold(&mut self, delivery: Forwarding, now: Instant) {
        let until = match self.states.get(delivery.to.name()) {
            Some(State::Refused { until, .. }) => *until,
            _ => now + LONGEST_PAUSE,
        };
        self.held.push((until, delivery));
    }

    /// Those that may be tried again.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Forwarding> {
        self.held.extract_if(.., |(until, _)| *until <= now).map(|(_, delivery)| delivery).collect()
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }
}
