//! The consumers and producers from configuration, while they run.
//!
//! Each has a thread and sessions of its own, which outlive those of the component. So a change of the configuration starts and
//! stops only what differs, and consumers take over a changed list of producers with their next delivery.

mod brokers;
mod runner;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::brokers::{is_same, options};
use self::runner::{ConnectTo, Runner, Task};
use super::app::Connect;
use super::parts::ConsumerParts;
use crate::broker::{BYTES_IN_FLIGHT, ConsumeOn, Error, amqp};
use crate::clock;
use crate::component::input::route_short;
use crate::component::outlet::Outlet;
use crate::health::status::ConsumerStatus;
use crate::publisher::OutletPublisher;
use crate::routes::{ConsumerRoute, ProducerRoute, RouteBroker};
use crate::settings::Settings;

/// How many bytes of messages the consumer of a route has in flight.
const BYTES: usize = BYTES_IN_FLIGHT / 4;

/// How often to look whether consumers use a new list of producers, which nothing signals.
const REPLACING_TICK: Duration = Duration::from_millis(5);

/// The routes that run.
pub(super) struct RunningRoutes {
    parts: ConsumerParts,
    connect: Connect,
    consumers: Vec<Running<ConsumerRoute>>,
    producers: Vec<Running<ProducerRoute>>,
    /// For consumers on other brokers; started with the first of them.
    to_channels: Option<(Arc<Outlet>, Runner)>,
    /// Of the consumers, which do not consume the channels of the component.
    status: Arc<ConsumerStatus>,
    /// Whether the component stops, so that nothing is started any more.
    is_stopping: bool,
}

/// A route that runs.
struct Running<R> {
    route: R,
    /// Its broker, and the prefetch of its consumer. If they change, it starts again.
    broker: amqp::Options,
    prefetch: u16,
    runner: Runner,
    /// That of a producer.
    outlet: Option<Arc<Outlet>>,
}

impl RunningRoutes {
    /// No routes yet.
    pub(super) fn new(parts: ConsumerParts, connect: Connect) -> Self {
        Self {
            parts,
            connect,
            consumers: Vec::new(),
            producers: Vec::new(),
            to_channels: None,
            status: Arc::default(),
            is_stopping: false,
        }
    }

    /// Makes the routes of these settings those that run. What is the same in the old settings goes on; what is not finishes what is
    /// in flight until `deadline`. Nothing is lost: what a removed producer has not published then is delivered again.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(super) fn apply(&mut self, settings: &Settings, deadline: Instant) -> Result<(), Error> {
        if self.is_stopping {
            return Ok(());
        }
        let has_moved = !is_same(&self.parts.settings.broker, &settings.broker);
        self.parts.settings = settings.clone();
        let routes = &settings.routes;
        let consumers = std::mem::take(&mut self.consumers);
        // Those on other brokers reply on the channels of the component, which have moved.
        let (kept, removed) = partition(consumers, |Running { route, broker, prefetch, .. }| {
            let is_unchanged = self.broker_of(route.broker.as_ref()) == *broker && self.prefetch_of(route) == *prefetch;
            !has_moved && is_unchanged && routes.consumers.contains(route)
        });
        self.consumers = kept;
        join(removed, deadline);
        let producers = std::mem::take(&mut self.producers);
        let (kept, removed) = partition(producers, |Running { route, broker, .. }| {
            self.broker_of(route.broker.as_ref()) == *broker && routes.producers.contains(route)
        });
        self.producers = kept;
        for route in &routes.producers {
            if self.producers.iter().all(|running| running.route != *route) {
                let running = self.start_producer(route)?;
                self.producers.push(running);
            }
        }
        let outlets = self.producers.iter().filter_map(|running| running.outlet.clone()).collect();
        let before = self.parts.outlets.replace(outlets);
        // What is handed over after a producer has ended would be delivered again.
        while !removed.is_empty() && Arc::strong_count(&before) > 1 && clock::now() < deadline {
            clock::sleep(REPLACING_TICK);
        }
        join(removed, deadline);
        if has_moved && let Some((outlet, mut runner)) = self.to_channels.take() {
            end(&mut runner, Some(&outlet), deadline);
        }
        for route in &routes.consumers {
            if self.consumers.iter().all(|running| running.route != *route) {
                let running = self.start_consumer(route)?;
                self.consumers.push(running);
            }
        }
        let names = routes.consumers.iter().map(|route| route_short(&route.name)).collect();
        self.parts.operations.set_routes(names);
        Ok(())
    }

    /// Tells the consumers to finish what is in flight.
    pub(super) fn stop_consumers(&mut self) {
        self.is_stopping = true;
        self.consumers.iter_mut().for_each(|running| running.runner.stop());
    }

    /// Ends all routes until `deadline`: the consumers first, then the producers when everything is published.
    pub(super) fn stop(&mut self, deadline: Instant) {
        self.stop_consumers();
        join(std::mem::take(&mut self.consumers), deadline);
        join(std::mem::take(&mut self.producers), deadline);
        if let Some((outlet, mut runner)) = self.to_channels.take() {
            end(&mut runner, Some(&outlet), deadline);
        }
    }

    /// Warns of handlers that have been running for too long.
    pub(super) fn warn_of_slow_handlers(&self) {
        crate::consumer::warn_of_slow_handlers(&self.status);
    }

    fn start_consumer(&mut self, route: &ConsumerRoute) -> Result<Running<ConsumerRoute>, Error> {
        let own = self.parts.component.route_of(route).ok_or_else(|| Error::lost("a route without a handler"))?;
        let (connect, is_other) = self.connect_to(&route.name, route.broker.as_ref());
        let to_channels = if is_other { Some(self.outlet_to_channels()?) } else { None };
        self.parts.operations.metrics.add(&route_short(&route.name));
        let consumer = self.parts.consumer(vec![own], BYTES, &self.status, to_channels);
        let consume_on = consumer.consume_on();
        let (queue, binding) = (route.queue.clone(), route.binding.clone());
        let task = Task {
            name: route.name.clone(),
            connect,
            consume_on,
            work: Box::new(move |link, shutdown, ready| {
                let declared = link.declare_route(&queue, binding.as_ref())?;
                consumer.run(link, shutdown, || ready(declared))
            }),
            is_awaited: Box::new(|| false),
            status: Arc::clone(&self.status),
        };
        let (broker, prefetch) = (self.broker_of(route.broker.as_ref()), self.prefetch_of(route));
        Ok(Running { route: route.clone(), broker, prefetch, runner: Runner::start(task)?, outlet: None })
    }

    fn start_producer(&self, route: &ProducerRoute) -> Result<Running<ProducerRoute>, Error> {
        let metrics = self.parts.operations.metrics.add(&route_short(&route.name));
        let outlet = Arc::new(Outlet::new(route, metrics));
        let (connect, _) = self.connect_to(&route.name, route.broker.as_ref());
        let runner = self.start_outlet(&outlet, connect)?;
        let broker = self.broker_of(route.broker.as_ref());
        Ok(Running { route: route.clone(), broker, prefetch: 0, runner, outlet: Some(outlet) })
    }

    /// The outlet to the channels of the component.
    fn outlet_to_channels(&mut self) -> Result<Arc<Outlet>, Error> {
        if self.to_channels.is_none() {
            let metrics = Arc::default();
            let outlet = Arc::new(Outlet::to_channels(metrics));
            let (connect, _) = self.connect_to(&outlet.name, None);
            let runner = self.start_outlet(&outlet, connect)?;
            self.to_channels = Some((outlet, runner));
        }
        let started = self.to_channels.as_ref().map(|(outlet, _)| Arc::clone(outlet));
        started.ok_or_else(|| Error::lost("the outlet was stopped"))
    }

    fn start_outlet(&self, outlet: &Arc<Outlet>, connect: ConnectTo) -> Result<Runner, Error> {
        let ConsumerParts { log, operations, status, .. } = &self.parts;
        let publisher = OutletPublisher::new(Arc::clone(outlet), log.clone(), Arc::clone(status), operations.clone());
        let awaited = Arc::clone(outlet);
        Runner::start(Task {
            name: outlet.name.clone(),
            connect,
            consume_on: ConsumeOn::Shared,
            work: Box::new(move |link, shutdown, ready| publisher.run(link, shutdown, ready)),
            is_awaited: Box::new(move || awaited.is_awaited()),
            status: Arc::clone(status),
        })
    }

    /// How to connect to the broker of a route, and whether it is another than that of the component.
    fn connect_to(&self, name: &str, broker: Option<&RouteBroker>) -> (ConnectTo, bool) {
        let (component, options) = (&self.parts.component, self.broker_of(broker));
        let is_other = !is_same(&options, &self.parts.settings.broker);
        let client = format!("{} {}, route {name}", component.name(), component.version());
        let (connect, options) = (Arc::clone(&self.connect), amqp::Options { client, ..options });
        (Arc::new(move |number| connect(&options, number)), is_other)
    }

    /// How to connect to the broker of a route, which is that of the component if it has none.
    fn broker_of(&self, broker: Option<&RouteBroker>) -> amqp::Options {
        let own = &self.parts.settings.broker;
        broker.map_or_else(|| own.clone(), |broker| options(own, broker))
    }

    fn prefetch_of(&self, route: &ConsumerRoute) -> u16 {
        let declared = self.parts.component.route_of(route).and_then(|route| route.options.prefetch);
        declared.unwrap_or(self.parts.settings.prefetch)
    }
}

fn partition<R>(all: Vec<Running<R>>, is_kept: impl Fn(&Running<R>) -> bool) -> (Vec<Running<R>>, Vec<Running<R>>) {
    let mut removed = all;
    let kept = removed.extract_if(.., |running| is_kept(running)).collect();
    (kept, removed)
}

fn join<R>(mut all: Vec<Running<R>>, deadline: Instant) {
    for running in &mut all {
        running.runner.stop();
    }
    for Running { runner, outlet, .. } in &mut all {
        end(runner, outlet.as_ref(), deadline);
    }
}

fn end(runner: &mut Runner, outlet: Option<&Arc<Outlet>>, deadline: Instant) {
    let _ = runner.join(deadline);
    // Consumers may have handed something over in the last moment.
    if let Some(outlet) = outlet {
        let count = outlet.outbox.abandon();
        if count > 0 {
            log::warn!("route {}: {count} messages were not confirmed in time", outlet.name);
        }
    }
}
