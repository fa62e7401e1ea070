//! What operators see and change while the component works: its counters, paused channels, and copies of its messages.
//!
//! The threads that do the work record into these types and look at them; the `service` reads and changes them. Recording
//! never blocks: counters are atomic, and copies that do not fit are dropped and counted.

pub mod channel_metrics;
pub mod configure;
pub mod gauge;
mod histogram;
pub mod live_settings;
pub mod metrics;
pub mod pauses;
pub mod stats;
pub mod tap;

use std::sync::Arc;

use parking_lot::RwLock;

use self::live_settings::Replicas;
use self::metrics::Metrics;
use self::pauses::Pauses;
use self::tap::Tap;

/// What operators see and change. Clones share it; it outlives sessions.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// The channels that are not consumed for now.
    pub pauses: Arc<Pauses>,
    /// Copies of messages and log entries.
    pub tap: Arc<Tap>,
    /// Changes of settings on their way to the other processes of the component.
    pub replicas: Arc<Replicas>,
    /// The short names of the queues from configuration that are consumed.
    routes: Arc<RwLock<Vec<String>>>,
}

impl Operations {
    /// The operations of a component with these channels, by their short names.
    #[must_use]
    pub fn new<'n>(channels: impl IntoIterator<Item = &'n str>) -> Self {
        Self { metrics: Arc::new(Metrics::new(channels)), ..Self::default() }
    }

    /// Sets the short names of the queues from configuration that are consumed.
    pub fn set_routes(&self, names: Vec<String>) {
        *self.routes.write() = names;
    }

    /// The short names of the queues from configuration that are consumed: `route/<name>`.
    #[must_use]
    pub fn routes(&self) -> Vec<String> {
        self.routes.read().clone()
    }
}
