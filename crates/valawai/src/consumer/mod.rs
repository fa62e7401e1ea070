//! Consumes messages: passes them to their handlers, publishes the replies, and settles the deliveries.
//!
//! The `ConsumerLoop` never waits for a confirm before it takes the next message. It publishes replies as handlers return
//! them, records confirms as they arrive, and acknowledges with one ack all deliveries whose replies are confirmed. The
//! messages in flight are limited by the prefetch and by the bytes of unconfirmed replies.

mod adaptive_prefetch;
mod circuit_breaker;
mod consumer_loop;
mod draining;
mod events;
pub mod fault_injection;
mod forwarding;
mod handing_over;
mod in_flight;
mod nack_streak;
pub mod outcome;
mod outcomes;
mod own_queues;
mod recording;
mod request;
pub mod retry;
mod rollback;
pub mod router;
mod settling;
#[cfg(test)]
mod state_tests;
mod subscribing;
#[cfg(test)]
mod tests;
pub mod tuning;
mod unconfirmed;
mod unroutable;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::in_flight::publishes::{Publish, Publishes};
pub(crate) use self::unconfirmed::Unconfirmed;
pub(crate) use self::unroutable::Unroutable;

use self::consumer_loop::ConsumerLoop;
use crate::broker::{BYTES_IN_FLIGHT, ConsumeOn, Error, Link};
use crate::component::input::Input;
use crate::component::outlet::Outlet;
use crate::consumer::router::Router;
use crate::health::status::ConsumerStatus;
use crate::mov::log::MovLog;
use crate::operations::Operations;
use crate::shutdown::Shutdown;

/// A handler that runs for longer is reported.
const SLOW_HANDLER: Duration = Duration::from_secs(60);

/// A confirm that is not received by then is not expected any more.
const CONFIRM_LIMIT: Duration = Duration::from_secs(60);

/// Consumes the queues of a router. Clones run on other threads and in later sessions.
#[derive(Clone)]
pub struct Consumer {
    router: Arc<Router>,
    log: MovLog,
    options: Options,
    status: Arc<ConsumerStatus>,
}

/// The limits of a consumer.
#[derive(Debug, Clone)]
pub struct Options {
    /// The maximum number of deliveries in flight on each queue.
    pub prefetch: u16,
    /// The bytes of messages to have in flight, and the maximum of unconfirmed replies.
    pub bytes_in_flight: usize,
    /// How long a confirm may take before the session is reopened. Defaults to a minute.
    pub confirm_limit: Duration,
    /// What operators see and change.
    pub operations: Operations,
    /// Where the messages for channels go, if the consumer is on another broker than that of the component.
    pub(crate) to_channels: Option<Arc<Outlet>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefetch: 1024,
            bytes_in_flight: BYTES_IN_FLIGHT,
            confirm_limit: CONFIRM_LIMIT,
            operations: Operations::default(),
            to_channels: None,
        }
    }
}

/// Warns of each handler that has been running for too long, once for each call.
pub(crate) fn warn_of_slow_handlers(status: &ConsumerStatus) {
    for task in status.overdue(SLOW_HANDLER) {
        log::warn!("the handler of {task} has been running for more than {SLOW_HANDLER:?}; other messages wait");
    }
}

impl Consumer {
    /// A consumer for the queues of `router`, which reports its state in `status`.
    #[must_use]
    pub fn new(router: Router, log: MovLog, options: Options, status: Arc<ConsumerStatus>) -> Self {
        Self { router: Arc::new(router), log, options, status }
    }

    /// Warns of each handler that has been running for too long, once for each call.
    pub fn warn_of_slow_handlers(&self) {
        warn_of_slow_handlers(&self.status);
    }

    /// Consumers have connections of their own, so that a slow handler delays no other thread.
    #[must_use]
    pub fn consume_on(&self) -> ConsumeOn {
        ConsumeOn::Dedicated { buffer_limit: self.options.bytes_in_flight }
    }

    /// Consumes until the shutdown, and then until nothing is in flight. Calls `ready` when it consumes all queues that are not
    /// paused.
    ///
    /// # Errors
    /// If the session is over. The broker redelivers what was in flight in the next one.
    pub fn run(&self, link: &mut dyn Link, shutdown: &Shutdown, ready: impl FnOnce()) -> Result<(), Error> {
        for route in self.router.routes() {
            // The queue of a route from configuration is declared by the caller.
            if let Input::Channel(channel) = &route.input {
                link.declare(channel.queue())?;
            }
        }
        let mut consumer_loop = ConsumerLoop::new(self, link);
        consumer_loop.subscribe()?;
        ready();
        consumer_loop.run(shutdown)
    }
}
