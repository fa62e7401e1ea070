//! What runs in each session; it outlives them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::broker::BYTES_IN_FLIGHT;
use crate::component::ResolvedComponent;
use crate::consumer::fault_injection::FaultInjector;
use crate::consumer::router::{self, Router};
use crate::consumer::{self, Consumer};
use crate::health::status::ConsumerStatus;
use crate::mov::identity::Identity;
use crate::mov::log::{self, MovLog, Writer};
use crate::mov::registration::{self, Registration};
use crate::mov::rest::RestClient;
use crate::name::Kind;
use crate::publisher::PeriodicPublisher;
use crate::settings::Settings;

pub(super) struct Tasks {
    /// With the names of their threads. Control channels have a consumer of their own, so that slow work on data does not
    /// delay them.
    pub(super) consumers: Vec<(String, Consumer)>,
    pub(super) periodic_publishers: Vec<PeriodicPublisher>,
    pub(super) registration: Arc<Mutex<Registration>>,
    pub(super) log_writer: Writer,
    /// How long a stop may take.
    pub(super) grace: Duration,
}

impl Tasks {
    pub(super) fn new(component: &ResolvedComponent, settings: &Settings, identity: Identity) -> Self {
        let (log, log_writer) = log::open(settings.mov_level, identity.clone());
        let status = Arc::new(ConsumerStatus::default());
        let scope = component.scope(log.clone());
        let publisher = |schedule| PeriodicPublisher::new(schedule, Arc::clone(&scope), Arc::clone(&status));
        let registration = Registration::new(registration::Options {
            info: component.info.clone(),
            queue: component.registered.queue().to_string(),
            shared_queue: component.routes.first().map(|route| route.channel.queue().to_string()),
            status: Arc::clone(&status),
            timeout: settings.register_timeout,
            health: settings.health.clone(),
            identity,
            rest: settings.mov_url.as_deref().map(RestClient::new),
        });
        Self {
            consumers: consumers(component, settings, &log, &status),
            periodic_publishers: component.schedules.iter().cloned().map(publisher).collect(),
            registration: Arc::new(Mutex::new(registration)),
            log_writer,
            grace: settings.grace,
        }
    }

    pub(super) fn warn_of_slow_handlers(&self) {
        self.consumers.iter().for_each(|(_, consumer)| consumer.warn_of_slow_handlers());
    }
}

fn consumers(
    component: &ResolvedComponent,
    settings: &Settings,
    log: &MovLog,
    status: &Arc<ConsumerStatus>,
) -> Vec<(String, Consumer)> {
    let consumer = |kind| {
        let options = router::Options {
            retry: settings.retry.clone(),
            dead_letters: settings.dead_letters,
            faults: FaultInjector::new(settings.faults.clone()),
        };
        let router = Router::new(component, kind, log.clone(), options);
        let options = consumer::Options {
            prefetch: settings.prefetch,
            bytes_in_flight: BYTES_IN_FLIGHT / settings.workers.max(1),
            circuit_breaker: settings.circuit_breaker,
            ..consumer::Options::default()
        };
        Consumer::new(router, log.clone(), options, Arc::clone(status))
    };
    let has = |kind| component.routes.iter().any(|route| route.channel.kind() == kind);
    let mut consumers = Vec::new();
    if has(Kind::Data) {
        let data = consumer(Kind::Data);
        consumers.extend((0..settings.workers).map(|number| (format!("consumer-{number}"), data.clone())));
    }
    if has(Kind::Control) {
        consumers.push(("control".to_owned(), consumer(Kind::Control)));
    }
    consumers
}
