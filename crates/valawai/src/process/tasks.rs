//! What runs in each session; it outlives them.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::consumer_groups::{ConsumerGroup, Shared};
use super::signals;
use crate::component::ResolvedComponent;
use crate::configuration::Configuration;
use crate::consumer::tuning::{self, Tuning};
use crate::health::status::ConsumerStatus;
use crate::logs;
use crate::mov::component_info::ComponentInfo;
use crate::mov::identity::Identity;
use crate::mov::log::{self, Entry, Severity, Writer};
use crate::mov::registration::{self, RegistrarRole, Registration};
use crate::mov::rest::RestClient;
use crate::name::Id;
use crate::operations::Operations;
use crate::operations::configure::Configure;
use crate::publisher::SourcePublisher;
use crate::service::protocol::Setting;
use crate::service::{self, Service};
use crate::settings::{Effective, Settings};

pub(super) struct Tasks {
    component: ResolvedComponent,
    shared: Shared,
    pub(super) consumers: Vec<ConsumerGroup>,
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
    identity: Identity,
    /// Whether the component moved to a broker where its registration is not known.
    pub(super) forget_registration: bool,
}

impl Tasks {
    /// What `component` needs with these settings. Operators can change those of `configuration`.
    pub(super) fn new(
        component: &ResolvedComponent,
        settings: &Settings,
        configuration: Option<&Configuration>,
        identity: Identity,
    ) -> Self {
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
        let service = || {
            Service::new(service::Options {
                info: component.info.clone(),
                identity: identity.clone(),
                operations: operations.clone(),
                settings: explicit(settings),
                configure: configuration.map(|it| Arc::new(it.clone()) as Arc<dyn Configure>),
                stop: Arc::new(signals::stop),
            })
        };
        let tuning = Arc::new(Tuning::new(tuning_options(settings)));
        let shared = Shared { log, status: Arc::clone(&status), operations: operations.clone(), tuning };
        let tasks = Self {
            component: component.clone(),
            consumers: ConsumerGroup::all(component, settings, &shared),
            shared,
            publishers: component.sources.iter().cloned().map(publisher).collect(),
            registration: Arc::new(Mutex::new(registration)),
            registrar_role,
            log_writer,
            service: settings.service.then(service),
            operations,
            grace: settings.grace,
            identity,
            forget_registration: false,
        };
        tasks.apply_at_once(settings);
        tasks
    }

    /// Applies changed settings as far as no thread needs to stop for them. `consumers` says which are to run from now on.
    pub(super) fn apply(&mut self, settings: &Settings) {
        self.grace = settings.grace;
        self.shared.tuning.set(tuning_options(settings));
        self.shared.log.set_limit(settings.mov_level);
        logs::levels::configure(&settings.logs);
        if let Some(service) = &self.service {
            service.set_settings(explicit(settings));
        }
        self.apply_at_once(settings);
        self.consumers = ConsumerGroup::all(&self.component, settings, &self.shared);
    }

    fn apply_at_once(&self, settings: &Settings) {
        let paused = settings.channels.iter().filter(|(_, channel)| channel.paused == Some(true));
        self.operations.pauses.configure(paused.map(|(name, _)| name.clone()).collect());
        self.operations.tap.set_limits(settings.tap);
    }

    /// The component, as the MOV knows it.
    pub(super) fn info(&self) -> &ComponentInfo {
        &self.component.info
    }

    /// The identifier of the registration, if there is one.
    pub(super) fn registered_as(&self) -> Option<Id> {
        self.identity.id()
    }

    /// Reports an error in the component's log and in the MOV's.
    pub(super) fn report(&self, message: String) {
        self.shared.log.add(Entry { severity: Severity::Error, message, payload: None });
    }

    pub(super) fn warn_of_slow_handlers(&self) {
        self.consumers.iter().for_each(|group| group.consumer.warn_of_slow_handlers());
    }
}

/// The settings that are not left to their defaults.
fn explicit(settings: &Settings) -> Vec<Setting> {
    let setting = |Effective { name, value, origin }: &Effective| Setting {
        name: name.to_string(),
        value: value.clone(),
        origin: origin.clone(),
    };
    settings.effective.iter().filter(|setting| !setting.is_default()).map(setting).collect()
}

fn tuning_options(settings: &Settings) -> tuning::Options {
    let retries = settings.channels.iter().filter_map(|(name, channel)| Some((name.clone(), channel.retries?)));
    tuning::Options {
        retry: settings.retry.clone(),
        retries: retries.collect(),
        dead_letters: settings.dead_letters,
        circuit_breaker: settings.circuit_breaker,
        faults: settings.faults.clone(),
    }
}
