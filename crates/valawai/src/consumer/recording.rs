//! Records what was processed: for operators, for the circuit breaker, and for the prefetch.

use std::time::Duration;

use super::circuit_breaker;
use super::consumer_loop::ConsumerLoop;
use super::outcome::Outcome;
use crate::broker::Error;
use crate::clock;
use crate::component::input::Consumed as _;
use crate::message::Message;
use crate::mov::log::{Entry, Severity};
use crate::operations::tap::What;

impl ConsumerLoop<'_> {
    /// Copies a delivered message for operators, if one of them observes.
    pub(super) fn copy_to_tap(&self, route: usize, message: &Message) {
        let tap = &self.consumer.options.operations.tap;
        if tap.wants_messages() {
            let queue = self.consumer.router.routes()[route].input.queue();
            tap.add(What::Received, queue, message.properties.message_id.as_deref(), &message.body);
        }
    }

    /// Records the outcome, and pauses if that opens the circuit breaker.
    pub(super) fn record(&mut self, route: usize, outcome: &Outcome, took: Duration) {
        if let Some(metrics) = &self.metrics[route] {
            metrics.record(took, outcome.kind());
            if let Some(reason) = outcome.reason() {
                metrics.set_last_error(reason);
            }
        }
        let failed = !outcome.is_success();
        if let Some(failures) = self.circuit_breaker.record(failed, self.consumer.router.tuning().circuit_breaker()) {
            let pause = circuit_breaker::PAUSE;
            let message = format!("{failures} of the last messages failed; consuming pauses for {pause:?}");
            self.consumer.log.add(Entry::plain(Severity::Error, message));
            self.paused_until = Some(clock::now() + pause);
        }
    }

    pub(super) fn adapt_prefetch(&mut self, consumer: usize, bytes: usize, took: Duration) -> Result<(), Error> {
        if let Some(prefetch) = self.subscribed.record(consumer, bytes, took) {
            for tag in self.link.set_prefetch(consumer, prefetch)? {
                self.in_flight.requeue(tag);
            }
        }
        Ok(())
    }
}
