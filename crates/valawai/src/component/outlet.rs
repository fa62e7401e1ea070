//! Outlets: where a component publishes beside its channels, or on another broker than that of its consumer.
//!
//! The thread of an outlet publishes in sessions of its own. Consumers hand messages over to it and never wait for it: a delivery
//! is acknowledged when the tickets of all its messages are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;

use super::input::route_short;
use super::outbox::Outbox;
use super::ticket::Ticket;
use crate::message::Outgoing;
use crate::operations::channel_metrics::ChannelMetrics;
use crate::routes::{Destination, Events, ProducerRoute};

/// One outlet. It outlives sessions.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// The name of its route.
    pub(crate) name: String,
    /// `None` publishes messages where each of them goes, on the broker of the component.
    pub(crate) destination: Option<Destination>,
    pub(crate) events: Events,
    confirm: bool,
    pub(crate) outbox: Outbox,
    pub(crate) metrics: Arc<ChannelMetrics>,
}

impl Outlet {
    /// The outlet of a producer.
    pub(crate) fn new(route: &ProducerRoute, metrics: Arc<ChannelMetrics>) -> Self {
        Self {
            name: route.name.clone(),
            destination: Some(route.destination.clone()),
            events: route.events,
            confirm: route.confirm,
            outbox: Outbox::default(),
            metrics,
        }
    }

    /// The outlet to the channels of the component, for handlers of messages from other brokers.
    pub(crate) fn to_channels(metrics: Arc<ChannelMetrics>) -> Self {
        let name = "channels".to_owned();
        let events = Events::default();
        Self { name, destination: None, events, confirm: true, outbox: Outbox::default(), metrics }
    }

    /// The name in statistics.
    pub(crate) fn short(&self) -> String {
        route_short(&self.name)
    }

    /// Whether deliveries wait for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.confirm && self.outbox.count() > 0
    }

    /// Whether a consumer may take another delivery: its messages will find space.
    pub(crate) fn has_space(&self) -> bool {
        !self.confirm || self.outbox.has_space()
    }

    /// Hands `message` over. Returns whether there is a ticket: a producer without confirms takes none, and drops what finds no
    /// space.
    pub(crate) fn hand_over(&self, mut message: Outgoing, ticket: impl FnOnce() -> Ticket) -> bool {
        match &self.destination {
            Some(Destination::Exchange(exchange, key)) => {
                message.exchange = Some(exchange.name.as_str().into());
                message.to = key.as_str().into();
                message.mandatory = false;
            }
            Some(Destination::Queue(queue)) => message.to = queue.as_str().into(),
            None => {}
        }
        if self.confirm {
            self.outbox.push(message, Some(ticket()));
        } else if self.outbox.has_space() {
            self.outbox.push(message, None);
        } else {
            self.metrics.count_dropped();
        }
        self.confirm
    }
}

/// The producers of the current configuration. Clones of the list are used until the version changes.
#[derive(Debug, Default)]
pub(crate) struct Outlets {
    version: AtomicU64,
    current: RwLock<Arc<Vec<Arc<Outlet>>>>,
}

impl Outlets {
    /// Grows with each change, so that consumers notice it without a lock.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn current(&self) -> Arc<Vec<Arc<Outlet>>> {
        Arc::clone(&self.current.read())
    }

    /// Consumers use `outlets` from their next delivery on. Returns the list that they used before: as long as there are clones,
    /// they may still hand something over to its outlets.
    pub(crate) fn replace(&self, outlets: Vec<Arc<Outlet>>) -> Arc<Vec<Arc<Outlet>>> {
        let before = std::mem::replace(&mut *self.current.write(), Arc::new(outlets));
        self.version.fetch_add(1, Ordering::Release);
        before
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.current.read().iter().any(|outlet| outlet.name == name)
    }
}
