//! What runs in each session; it outlives them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::app::Connect;
use super::parts::ConsumerParts;
use super::routes::RunningRoutes;
use super::signals;

use crate::broker::BYTES_IN_FLIGHT;
use crate::component::input::Consumed as _;
use crate::component::{ResolvedComponent, Route};
use crate::consumer::Consumer;
use crate::health::status::ConsumerStatus;
use crate::mov::identity::Identity;
use crate::mov::log::{self, Writer};
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
    /// Those of the configuration.
    pub(super) routes: Mutex<RunningRoutes>,
    /// How long a stop may take.
    pub(super) grace: Duration,
}

impl Tasks {
    pub(super) fn new(
        component: &ResolvedComponent,
        settings: &Settings,
        identity: Identity,
        connect: Connect,
    ) -> Self {
        let operations = Operations::new(component.info.channels.iter().map(|(channel, _)| channel.short()));
        let (log, log_writer) = log::open(settings.mov_level, identity.clone());
        let log = log.with_tap(Arc::clone(&operations.tap));
        let status = Arc::new(ConsumerStatus::default());
        let parts = ConsumerParts {
            component: component.clone(),
            settings: settings.clone(),
            log: log.clone(),
            status: Arc::clone(&status),
            operations: operations.clone(),
            outlets: Arc::default(),
        };
        let scope = component.scope_with(log.clone(), Arc::clone(&parts.outlets));
        let registrar_role = RegistrarRole::default();
        let publisher = |source| {
            SourcePublisher::new(source, Arc::clone(&scope), Arc::clone(&status), registrar_role.clone())
                .with_operations(operations.clone())
        };
        let registration = Registration::new(registration::Options {
            info: component.info.clone(),
            queue: component.registered.queue().to_string(),
            shared_queue: component.routes.first().map(|route| route.input.queue().to_string()),
            status: Arc::clone(&status),
            timeout: settings.register_timeout,
            health: settings.health.clone(),
            identity: identity.clone(),
            rest: settings.mov_url.as_deref().map(RestClient::new),
            role: registrar_role.clone(),
            observed: component.observed_channels(),
        });
        Self {
            consumers: consumers(&parts),
            publishers: component.sources.iter().cloned().map(publisher).collect(),
            registration: Arc::new(Mutex::new(registration)),
            registrar_role,
            log_writer,
            service: settings.service.then(|| service(component, settings, identity, &operations)),
            operations,
            routes: Mutex::new(RunningRoutes::new(parts, connect)),
            grace: settings.grace,
        }
    }

    pub(super) fn warn_of_slow_handlers(&self) {
        self.consumers.iter().for_each(|(_, consumer)| consumer.warn_of_slow_handlers());
        self.routes.lock().warn_of_slow_handlers();
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
fn consumers(parts: &ConsumerParts) -> Vec<(String, Consumer)> {
    let groups = groups(&parts.component, parts.settings.workers);
    let threads = groups.iter().map(|group| group.threads).sum::<usize>().max(1);
    let consumer = |routes| parts.consumer(routes, BYTES_IN_FLIGHT / threads, &parts.status, None);
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
    let (data, control) = shared.into_iter().partition(|route| route.input.is_channel_of(Kind::Data));
    let mut groups = vec![
        Group { name: DATA.to_owned(), threads: workers, routes: data },
        Group { name: "control".to_owned(), threads: 1, routes: control },
    ];
    groups.extend(own.into_iter().map(|route| Group {
        name: route.input.short().replace('/', "-"),
        threads: route.options.workers.unwrap_or(1),
        routes: vec![route],
    }));
    groups.retain(|group| !group.routes.is_empty());
    groups
}
