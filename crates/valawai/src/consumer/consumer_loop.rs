//! The loop of a consumer in one session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Consumer;
use super::circuit_breaker::CircuitBreaker;
use super::handing_over::HandingOver;
use super::in_flight::InFlight;
use super::nack_streak::NackStreak;
use super::own_queues::OwnQueues;
use super::rollback::TrackedState;
use super::subscribing::Subscribed;
use super::unconfirmed::Unconfirmed;
use super::unroutable::Unroutable;
use crate::broker::backoff::Backoff;
use crate::broker::{Delivery, Error, Event, Link};
use crate::clock;
use crate::health::status::RunningHandler;
use crate::logs;
use crate::mov::log::Entry;
use crate::operations::channel_metrics::ChannelMetrics;
use crate::operations::gauge::Gauge;
use crate::shutdown::Shutdown;

/// How often the loop checks deadlines if no events arrive.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// How often to look for space in an outlet: nothing signals what other consumers have handed over to it.
const SPACE_CHECK: Duration = Duration::from_millis(20);

/// The pauses after a delivery is requeued, so that it is not redelivered in a busy loop.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The state of one consumer thread in one session.
pub(super) struct ConsumerLoop<'c> {
    pub(super) consumer: &'c Consumer,
    pub(super) link: &'c mut dyn Link,
    pub(super) in_flight: InFlight,
    pub(super) unroutable: Unroutable,
    /// The state of the handler, if it has one.
    pub(super) state: Option<TrackedState>,
    /// Whether nothing more is to be consumed.
    pub(super) is_draining: bool,
    pub(super) backoff: Backoff,
    pub(super) paused_until: Option<Instant>,
    pub(super) circuit_breaker: CircuitBreaker,
    pub(super) subscribed: Subscribed<'c>,
    pub(super) own_queues: OwnQueues,
    pub(super) handing_over: HandingOver,
    pub(super) nack_streak: NackStreak<'c>,
    pub(super) unconfirmed: Unconfirmed<'c>,
    running_handler: Arc<RunningHandler>,
    /// One for each route.
    pub(super) metrics: Vec<Option<Arc<ChannelMetrics>>>,
    pub(super) in_flight_gauge: Gauge<'c>,
}

impl<'c> ConsumerLoop<'c> {
    pub(super) fn new(consumer: &'c Consumer, link: &'c mut dyn Link) -> Self {
        let metrics = &consumer.options.operations.metrics;
        Self {
            consumer,
            link,
            in_flight: InFlight::counting(consumer.router.scope().outputs_in(metrics)),
            unroutable: Unroutable::default(),
            state: consumer.router.state().map(TrackedState::take_over),
            is_draining: false,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            paused_until: None,
            circuit_breaker: CircuitBreaker::default(),
            subscribed: Subscribed::default(),
            own_queues: OwnQueues::default(),
            handing_over: HandingOver::new(&consumer.router.scope().outlets),
            nack_streak: NackStreak::new(&consumer.status),
            unconfirmed: Unconfirmed::new(&consumer.status, consumer.options.confirm_limit, clock::now()),
            running_handler: consumer.status.register_thread(consumer.router.tasks().map(str::to_owned).collect()),
            metrics: consumer.router.routes().iter().map(|route| metrics.channel(route.input.short())).collect(),
            in_flight_gauge: metrics.in_flight_gauge(),
        }
    }

    /// Runs until the shutdown, and then until nothing is in flight.
    pub(super) fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        while !shutdown.is_requested() {
            if self.nack_streak.requires_reopening(clock::now()) {
                return self.drain_and_reopen(shutdown);
            }
            if self.pauses_changed() {
                self.resubscribe(shutdown)?;
                continue;
            }
            let deliveries = self.takes_deliveries();
            if let Some(event) = self.poll(deliveries)? {
                self.handle(event)?;
            } else {
                self.acknowledge()?;
                self.check_overdue(clock::now())?;
                let limit = self.longest_wait();
                self.wait(deliveries, Some(shutdown), limit);
            }
        }
        self.drain()
    }

    pub(super) fn handle(&mut self, event: Event) -> Result<(), Error> {
        match event {
            Event::Confirm(confirm) => self.confirm(confirm),
            Event::Returned(returned) => {
                self.own_queues.forget(&returned.to);
                self.handle_returned(&returned)
            }
            Event::Delivery(delivery) => {
                // One ack settles everything that was confirmed before.
                self.acknowledge()?;
                self.process(delivery)
            }
        }
    }

    fn process(&mut self, delivery: Delivery) -> Result<(), Error> {
        let Delivery { tag, consumer, mut message } = delivery;
        if !self.in_flight.deliver(tag) {
            return Err(Error::lost("the broker sent an unexpected delivery tag"));
        }
        let route = self.subscribed.route(consumer);
        let message_id = message.properties.message_id.clone();
        if let Some(queue) = self.consumer.router.delay(route, &message) {
            return self.delay(tag, message, queue);
        }
        if let Some(trace) = &mut message.properties.trace {
            trace.enter();
        }
        let _context = logs::context::enter(&message.properties);
        self.copy_to_tap(route, &message);
        let observed = self.hand_over_received(tag, route, &message);
        let bytes = message.body.len();
        let began = clock::now();
        self.check_overdue(began)?;
        self.prepare_state(tag);
        self.running_handler.begin(route, began);
        let outcome = self.consumer.router.decide(route, message);
        self.running_handler.end();
        let took = clock::since(began);
        let outcome = self.refuse_too_large(route, outcome)?;
        self.record(route, &outcome, took);
        if let Some(observed) = observed {
            self.hand_over_outcome(tag, route, &observed, &outcome);
        }
        if outcome.is_success() || self.undo(tag)? {
            self.carry_out(outcome, tag, message_id)?;
        }
        self.adapt_prefetch(consumer, bytes, took)
    }

    /// Checks for late confirms, and forwards parked deliveries that are due.
    fn check_overdue(&mut self, now: Instant) -> Result<(), Error> {
        self.check_confirms(now)?;
        self.forward_parked(now)
    }

    /// Whether the loop takes deliveries now: it is not paused, and not too many bytes are unconfirmed.
    fn takes_deliveries(&mut self) -> bool {
        if self.paused_until.is_some_and(|until| until <= clock::now()) {
            self.paused_until = None;
        }
        self.paused_until.is_none()
            && self.in_flight.unconfirmed_bytes() < self.consumer.options.bytes_in_flight
            && self.outlets_have_space()
            && self.may_handle_more()
    }

    fn longest_wait(&mut self) -> Duration {
        let longest = if self.outlets_have_space() { TICK } else { SPACE_CHECK };
        self.paused_until.map_or(longest, |until| until.saturating_duration_since(clock::now()).min(longest))
    }

    pub(super) fn log(&self, entries: Vec<Entry>) {
        for entry in entries {
            self.consumer.log.add(entry);
        }
    }
}
