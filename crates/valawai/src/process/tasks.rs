//! What runs in each session; it outlives them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::signals;

use crate::broker::BYTES_IN_FLIGHT;
use crate::component::{ResolvedComponent, Route};
use crate::consumer::fault_injection::FaultInjector;
use crate::consumer::router::{self, Router};
use crate::consumer::{self, Consumer};
use crate::health::status::ConsumerStatus;
use crate::mov::identity::Identity;
use crate::mov::log::{self, MovLog, Writer};
use crate::mov::registration::{self, RegistrarRole, Registration};
use crate::mov::rest::RestClient;
use crate::name::Kind;
use crate::operations::Operations;
use crate::publisher::SourcePublisher;
use crate::service::protocol::Setting;
use crate::service::{self, Service};
use crate::settings::{Effective, Settings};

pub(super) struct Tasks {
    /// With the names of their threads. Control channels have a consumer of their own, so that slow work on data does not
    /// delay them.
    pub(super) consumers: Vec<(String, Consumer)>,
    /// One for each source.
    pub(super) publishers: Vec<SourcePublisher>,
    pub(super) registration: Arc<Mutex<Registration>>,
    pub(super) registrar_role: RegistrarRole,
    pub(super) log_writer: Writer,
    /// `None` if operators cannot talk to the process.
    pub(super) service: Option<Service>,
    pub(super) operations: Operations,
    /// How long a stop may take.
    pub(super) grace: Duration,
}

impl Tasks {
    pub(super) fn new(component: &ResolvedComponent, settings: &Settings, identity: Identity) -> Self {
        let operations = Operations::new(component.info.channels.iter().map(|(channel, _)| channel.short()));
        let (log, log_writer) = log::open(settings.mov_level, identity.clone());
        let log = log.with_tap(Arc::clone(&operations.tap));
        let status = Arc::new(ConsumerStatus::default());
        let scope = component.scope(log.clone());
        let registrar_role = RegistrarRole::default();
        let publisher = |source| {
            SourcePublisher::new(source, Arc::clone(&scope), Arc::clone(&status), registrar_role.clone())
                .with_operations(operations.clone())
        };
        let registration = Registration::new(registration::Options {
            info: component.info.clone(),
            queue: component.registered.queue().to_string(),
            shared_queue: component.routes.first().map(|route| route.channel.queue().to_string()),
            status: Arc::clone(&status),
            timeout: settings.register_timeout,
            health: settings.health.clone(),
            identity: identity.clone(),
            rest: settings.mov_url.as_deref().map(RestClient::new),
            role: registrar_role.clone(),
            observed: component.observed_channels(),
        });
        Self {
            consumers: consumers(component, settings, &log, &status, &operations),
            publishers: component.sources.iter().cloned().map(publisher).collect(),
            registration: Arc::new(Mutex::new(registration)),
            registrar_role,
            log_writer,
            service: settings.service.then(|| service(component, settings, identity, &operations)),
            operations,
            grace: settings.grace,
        }
    }

    pub(super) fn warn_of_slow_handlers(&self) {
        self.consumers.iter().for_each(|(_, consumer)| consumer.warn_of_slow_handlers());
    }
}

fn service(component: &ResolvedComponent, settings: &Settings, identity: Identity, operations: &Operations) -> Service {
    let setting = |Effective { name, value, origin }: &Effective| Setting {
        name: (*name).to_owned(),
        value: value.clone(),
        origin: origin.clone(),
    };
    let explicit = settings.effective.iter().filter(|setting| !setting.is_default());
    Service::new(service::Options {
        info: component.info.clone(),
        identity,
        operations: operations.clone(),
        settings: explicit.map(setting).collect(),
        stop: Arc::new(signals::stop),
    })
}

/// The consumers of `component`: one for control channels, one for data channels, and one for each channel that has threads
/// of its own.
fn consumers(
    component: &ResolvedComponent,
    settings: &Settings,
    log: &MovLog,
    status: &Arc<ConsumerStatus>,
    operations: &Operations,
) -> Vec<(String, Consumer)> {
    let groups = groups(component, settings.workers);
    let threads = groups.iter().map(|group| group.threads).sum::<usize>().max(1);
    let consumer = |routes| {
        let options = router::Options {
            retry: settings.retry.clone(),
            dead_letters: settings.dead_letters,
            faults: FaultInjector::new(settings.faults.clone()),
        };
        let router = Router::new(routes, component.scope(log.clone()), options);
        let options = consumer::Options {
            prefetch: settings.prefetch,
            bytes_in_flight: BYTES_IN_FLIGHT / threads,
            circuit_breaker: settings.circuit_breaker,
            operations: operations.clone(),
            ..consumer::Options::default()
        };
        Consumer::new(router, log.clone(), options, Arc::clone(status))
    };
    let mut consumers = Vec::new();
    for Group { name, threads, routes } in groups {
        let consumer = consumer(routes);
        let name_of = |number| if threads == 1 && name != DATA { name.clone() } else { format!("{name}-{number}") };
        consumers.extend((0..threads).map(|number| (name_of(number), consumer.clone())));
    }
    consumers
}

/// The name of the threads of data channels.
const DATA: &str = "consumer";

/// Channels that the same threads consume.
struct Group {
    name: String,
    threads: usize,
    routes: Vec<Route>,
}

fn groups(component: &ResolvedComponent, workers: usize) -> Vec<Group> {
    let (own, shared): (Vec<Route>, Vec<Route>) = component.routes.iter().cloned().partition(Route::has_own_threads);
    let (data, control) = shared.into_iter().partition(|route| route.channel.kind() == Kind::Data);
    let mut groups = vec![
        Group { name: DATA.to_owned(), threads: workers, routes: data },
        Group { name: "control".to_owned(), threads: 1, routes: control },
    ];
    groups.extend(own.into_iter().map(|route| Group {
        name: route.channel.short().replace('/', "-"),
        threads: route.options.workers.unwrap_or(1),
        routes: vec![route],
    }));
    groups.retain(|group| !group.routes.is_empty());
    groups
}
