//! The loop that hears, answers and settles.
//!
//! It never waits for one confirm before it takes the next message: answers are published as they come, confirms are
//! taken as they come, and what is confirmed without a gap is acknowledged in one go. How many messages are under way
//! at once is bounded by the prefetch, and by the bytes that wait for a confirm.

mod adaptive_prefetch;
mod circuit_breaker;
mod consumer_loop;
pub mod fault_injection;
mod forwarding;
mod in_flight;
#[cfg(test)]
mod in_flight_tests;
mod nack_streak;
mod own_queues;
pub mod retry;
pub mod router;
mod sequence_window;
#[cfg(test)]
mod tests;
mod unconfirmed;
mod unroutable;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::unroutable::Unroutable;

use self::adaptive_prefetch::AdaptivePrefetch;
use self::consumer_loop::ConsumerLoop;
use crate::broker::{Access, BYTES_IN_FLIGHT, ConsumeOn, Error, Link};
use crate::consumer::router::Router;
use crate::health::status::ConsumerStatus;
use crate::mov::log::MovLog;
use crate::shutdown::Shutdown;

/// A handler that runs for longer is worth a warning.
const SLOW_HANDLER: Duration = Duration::from_secs(60);

/// A confirm that takes longer never comes.
const CONFIRM_LIMIT: Duration = Duration::from_secs(60);

/// What a worker needs to work; clones serve other workers and later sessions.
#[derive(Clone)]
pub struct Consumer {
    router: Arc<Router>,
    log: MovLog,
    options: Options,
    status: Arc<ConsumerStatus>,
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Messages in hand, at the most.
    pub prefetch: u16,
    /// Bytes of messages in hand that are aimed at, and of answers that wait for a confirm at the most.
    pub bytes_in_flight: usize,
    /// `KILL_SWITCH_RATIO`: the part of failures above which it pauses. Off by default.
    pub circuit_breaker: Option<f64>,
    /// How long a confirm may take before the session is reopened. Defaults to a minute.
    pub confirm_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { prefetch: 1024, bytes_in_flight: BYTES_IN_FLIGHT, circuit_breaker: None, confirm_limit: CONFIRM_LIMIT }
    }
}

impl Consumer {
    /// A worker that lets `router` decide, and tells in `status` how it goes.
    #[must_use]
    pub fn new(router: Router, log: MovLog, options: Options, status: Arc<ConsumerStatus>) -> Self {
        Self { router: Arc::new(router), log, options, status }
    }

    /// Warns once of each handler that has been running for too long, while it runs.
    pub fn warn_of_slow_handlers(&self) {
        for task in self.status.overdue(SLOW_HANDLER) {
            log::warn!(
                "the handler of {task} has been running for more than {SLOW_HANDLER:?}; its messages wait for it"
            );
        }
    }

    /// Which connection its links consume on: one of their own, because a handler may be slow.
    #[must_use]
    pub fn consume_on(&self) -> ConsumeOn {
        ConsumeOn::Own { held_bytes: self.options.bytes_in_flight }
    }

    /// Hears the router's queues until `stop`, and then finishes what is in hand. Calls `ready` when it hears them all.
    ///
    /// # Errors
    /// When the session is over. What was in hand is heard again in the next one.
    pub fn run(&self, link: &mut dyn Link, shutdown: &Shutdown, ready: impl FnOnce()) -> Result<(), Error> {
        for queue in self.router.queues() {
            link.declare(queue)?;
            link.consume(queue, Access::Shared, AdaptivePrefetch::new(&self.options).prefetch())?;
        }
        ready();
        let _counted = self.status.consuming(self.router.queues().count());
        ConsumerLoop::new(self, link).run(shutdown)
    }
}
