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
mod numbered;
mod outages;
mod refusals;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use self::outages::Outages;

use self::appetite::Appetite;
use self::hand::Hand;
use crate::broker::{Access, Error, Link, Stop};
use crate::mov::log::MovLog;
use crate::router::Router;
use crate::vitals::Vitals;

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
}

impl Worker {
    /// A worker that lets `router` decide, and tells in `vitals` how it goes.
    #[must_use]
    pub fn new(router: Router, log: MovLog, options: Options, vitals: Arc<Vitals>) -> Self {
        Self { router: Arc::new(router), log, options, vitals }
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
