//! What consumers are made of. It outlives sessions.

use std::sync::Arc;

use crate::broker::BYTES_IN_FLIGHT;
use crate::component::outlet::{Outlet, Outlets};
use crate::component::{ResolvedComponent, Route};
use crate::consumer::router::Router;
use crate::consumer::tuning::Tuning;
use crate::consumer::{self, Consumer};
use crate::health::status::ConsumerStatus;
use crate::mov::log::MovLog;
use crate::operations::Operations;
use crate::operations::live_settings::LiveSettings;
use crate::settings::Settings;

/// What consumers are made of.
#[derive(Clone)]
pub(super) struct ConsumerParts {
    pub(super) component: ResolvedComponent,
    pub(super) settings: Settings,
    pub(super) log: MovLog,
    pub(super) status: Arc<ConsumerStatus>,
    pub(super) operations: Operations,
    pub(super) tuning: Arc<Tuning>,
    /// The producers from configuration.
    pub(super) outlets: Arc<Outlets>,
    /// The settings, if they can change.
    pub(super) live: Option<LiveSettings>,
}

impl ConsumerParts {
    /// A consumer of these routes, which has about `bytes` in flight.
    pub(super) fn consumer(
        &self,
        routes: Vec<Route>,
        bytes: usize,
        status: &Arc<ConsumerStatus>,
        to_channels: Option<Arc<Outlet>>,
    ) -> Consumer {
        let Self { component, settings, log, operations, tuning, outlets, live, .. } = self;
        let scope = component.scope_with(log.clone(), Arc::clone(outlets), live.clone());
        let routing = Router::new(routes, scope, Arc::clone(tuning));
        let options = consumer::Options {
            prefetch: settings.prefetch,
            bytes_in_flight: bytes.min(BYTES_IN_FLIGHT),
            operations: operations.clone(),
            to_channels,
            ..consumer::Options::default()
        };
        Consumer::new(routing, log.clone(), options, Arc::clone(status))
    }
}
