//! The loop that hears, answers and settles.
//!
//! It never waits for one confirm before it takes the next message: answers are published as they come, confirms are
//! taken as they come, and what is confirmed without a gap is acknowledged in one go. How many messages are under way
//! at once is bounded by the prefetch, and by the bytes that wait for a confirm.

mod appetite;
mod book;
#[cfg(test)]
mod book_tests;
mod hand;
mod kill_switch;
mod moves;
mod numbered;
mod outages;
mod own_queues;
mod refusals;
#[cfg(test)]
mod tests;
mod unconfirmed;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::outages::Outages;

use self::appetite::Appetite;
use self::hand::Hand;
use crate::broker::{Access, BYTES_IN_HAND, ConsumeOn, Error, Link, Stop};
use crate::mov::log::MovLog;
use crate::router::Router;
use crate::vitals::Vitals;

/// A handler that runs for longer is worth a warning.
const SLOW_HANDLER: Duration = Duration::from_secs(60);

/// A confirm that takes longer never comes.
const CONFIRM_LIMIT: Duration = Duration::from_secs(60);

/// What a worker needs to work; clones serve other workers and later sessions.
#[derive(Clone)]
pub struct Worker {
    router: Arc<Router>,
    log: MovLog,
    options: Options,
    vitals: Arc<Vitals>,
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Messages in hand, at the most.
    pub prefetch: u16,
    /// Bytes of messages in hand that are aimed at, and of answers that wait for a confirm at the most.
    pub bytes_in_hand: usize,
    /// `KILL_SWITCH_RATIO`: the part of failures above which it pauses. Off by default.
    pub kill_switch: Option<f64>,
    /// How long a confirm may take before the session is reopened. Defaults to a minute.
    pub confirm_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefetch: 1024, bytes_in_hand: BYTES_IN_HAND, kill_switch: None, confirm_limit: CONFIRM_LIMIT }
    }
}

impl Worker {
    /// A worker that lets `router` decide, and tells in `vitals` how it goes.
    #[must_use]
    pub fn new(router: Router, log: MovLog, options: Options, vitals: Arc<Vitals>) -> Self {
        Self { router: Arc::new(router), log, options, vitals }
    }

    /// Warns once of each handler that has been running for too long, while it runs.
    pub fn warn_of_slow_handlers(&self) {
        for task in self.vitals.overdue(SLOW_HANDLER) {
            log::warn!(
                "the handler of {task} has been running for more than {SLOW_HANDLER:?}; its messages wait for it"
            );
        }
    }

    /// Which connection its links consume on: one of their own, because a handler may be slow.
    #[must_use]
    pub fn consumes_on(&self) -> ConsumeOn {
        ConsumeOn::Own { held_bytes: self.options.bytes_in_hand }
    }

    /// Hears the router's queues until `stop`, and then finishes what is in hand. Calls `ready` when it hears them all.
    ///
    /// # Errors
    /// When the session is over. What was in hand is heard again in the next one.
    pub fn run(&self, link: &mut dyn Link, stop: &Stop, ready: impl FnOnce()) -> Result<(), Error> {
        for queue in self.router.queues() {
            link.declare(queue)?;
            link.consume(queue, Access::Shared, Appetite::new(&self.options).prefetch())?;
        }
        ready();
        let _counted = self.vitals.consuming(self.router.queues().count());
        Hand::new(self, link).work(stop)
    }
}
