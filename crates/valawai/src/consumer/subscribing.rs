//! Which queues a consumer consumes now: those of its router that no operator has paused.

use std::time::Duration;

use super::adaptive_prefetch::AdaptivePrefetch;
use super::consumer_loop::ConsumerLoop;
use crate::broker::{Access, Error};
use crate::component::input::Consumed as _;
use crate::health::status::StatusGuard;
use crate::shutdown::Shutdown;

/// The queues that are consumed, in the order of their consumers.
#[derive(Default)]
pub(super) struct Subscribed<'c> {
    consumers: Vec<Subscription>,
    /// The version of the pauses that they follow.
    version: u64,
    counted: Option<StatusGuard<'c>>,
}

struct Subscription {
    /// The index of the route in the router.
    route: usize,
    prefetch: AdaptivePrefetch,
}

impl Subscribed<'_> {
    /// The route of a consumer.
    pub(super) fn route(&self, consumer: usize) -> usize {
        self.consumers[consumer].route
    }

    /// The consumers are cancelled.
    pub(super) fn stop_counting(&mut self) {
        self.counted = None;
    }

    /// Records a message of a consumer, and returns the prefetch if it is to be changed.
    pub(super) fn record(&mut self, consumer: usize, bytes: usize, took: Duration) -> Option<u16> {
        self.consumers[consumer].prefetch.record(bytes, took)
    }
}

impl ConsumerLoop<'_> {
    /// Consumes each queue whose channel is not paused.
    pub(super) fn subscribe(&mut self) -> Result<(), Error> {
        let options = &self.consumer.options;
        let pauses = &options.operations.pauses;
        let version = pauses.version();
        let mut consumers = Vec::new();
        for (index, route) in self.consumer.router.routes().iter().enumerate() {
            if pauses.contains(route.input.short()) {
                continue;
            }
            let prefetch = route.options.prefetch.unwrap_or(options.prefetch);
            let prefetch = AdaptivePrefetch::new(prefetch, options.bytes_in_flight);
            consumers.push(Subscription { route: index, prefetch });
        }
        let counted = self.consumer.status.count_consumers(consumers.len());
        self.subscribed = Subscribed { consumers, version, counted: Some(counted) };
        self.consume_subscribed()
    }

    /// Starts the consumers of the subscribed queues.
    pub(super) fn consume_subscribed(&mut self) -> Result<(), Error> {
        for Subscription { route, prefetch } in &self.subscribed.consumers {
            let queue = self.consumer.router.routes()[*route].input.queue();
            self.link.consume(queue, Access::Shared, prefetch.prefetch())?;
        }
        Ok(())
    }

    /// Whether an operator has paused or resumed a channel.
    pub(super) fn pauses_changed(&self) -> bool {
        self.consumer.options.operations.pauses.version() != self.subscribed.version
    }

    /// Finishes what is in flight, and consumes those queues that are not paused now.
    pub(super) fn resubscribe(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.stop_consuming()?;
        while !self.in_flight.is_confirmed() {
            if shutdown.is_requested() {
                return Ok(());
            }
            self.drain_one(Some(shutdown))?;
        }
        self.acknowledge()?;
        self.is_draining = false;
        self.subscribe()
    }
}
