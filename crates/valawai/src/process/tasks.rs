//! What runs in each session; it outlives them.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::app::Connect;
use super::consumer_groups::ConsumerGroup;
use super::parts::ConsumerParts;
use super::routes::RunningRoutes;
use super::signals;
use crate::broker::Error;
use crate::component::ResolvedComponent;
use crate::component::input::Consumed as _;
use crate::configuration::Configuration;
use crate::consumer::tuning;
use crate::health::status::ConsumerStatus;
use crate::logs;
use crate::mov::component_info::ComponentInfo;
use crate::mov::identity::Identity;
use crate::mov::log::{self as mov_log, Entry, Severity, Writer};
use crate::mov::registration::{self, RegistrarRole, Registration};
use crate::mov::rest::RestClient;
use crate::name::Id;
use crate::operations::Operations;
use crate::operations::configure::Configure;
use crate::operations::live_settings::LiveSettings;
use crate::publisher::SourcePublisher;
use crate::routes::Routes;
use crate::service::protocol::Setting;
use crate::service::{self, Service};
use crate::settings::{Effective, Settings};

/// How long routes that end have for what is in flight, as a part of the grace period.
const ROUTES_DRAINED_BY: f64 = 0.4;

pub(super) struct Tasks {
    parts: ConsumerParts,
    pub(super) consumers: Vec<ConsumerGroup>,
    /// One for each source.
    pub(super) publishers: Vec<SourcePublisher>,
    pub(super) registration: Arc<Mutex<Registration>>,
    pub(super) registrar_role: RegistrarRole,
    pub(super) log_writer: Writer,
    /// `None` if operators cannot talk to the process.
    pub(super) service: Option<Service>,
    pub(super) operations: Operations,
    /// Those of the configuration. Changes are carried out on another thread.
    pub(super) routes: Arc<Mutex<RunningRoutes>>,
    /// The settings with the newest routes.
    wanted_routes: Arc<Mutex<Settings>>,
    /// How long a stop may take.
    pub(super) grace: Duration,
    identity: Identity,
    /// Whether the component moved to a broker where its registration is not known.
    pub(super) forget_registration: bool,
}

impl Tasks {
    /// What `component` needs with the settings of `configuration`.
    pub(super) fn new(
        component: &ResolvedComponent,
        configuration: &Configuration,
        identity: Identity,
        connect: Connect,
    ) -> Self {
        let settings = &*configuration.settings();
        let operations = Operations::new(component.info.channels.iter().map(|(channel, _)| channel.short()));
        let (log, log_writer) = mov_log::open(settings.mov_level, identity.clone());
        let log = log.with_tap(Arc::clone(&operations.tap));
        let configure: Arc<dyn Configure> = Arc::new(configuration.clone());
        let live = Some(LiveSettings::new(Arc::clone(&configure), Arc::clone(&operations.replicas)));
        if !settings.service {
            operations.replicas.obstruct("SERVICE_CONTROL is 0");
        }
        let status = Arc::new(ConsumerStatus::default());
        let parts = ConsumerParts {
            component: component.clone(),
            settings: settings.clone(),
            log: log.clone(),
            status: Arc::clone(&status),
            operations: operations.clone(),
            tuning: Arc::default(),
            outlets: Arc::default(),
            live: live.clone(),
        };
        let scope = component.scope_with(log, Arc::clone(&parts.outlets), live);
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
        let service = || {
            Service::new(service::Options {
                info: component.info.clone(),
                identity: identity.clone(),
                operations: operations.clone(),
                settings: explicit(settings),
                configure: Some(configure),
                stop: Arc::new(signals::stop),
            })
        };
        let tasks = Self {
            consumers: ConsumerGroup::all(&parts),
            routes: Arc::new(Mutex::new(RunningRoutes::new(parts.clone(), connect))),
            wanted_routes: Arc::new(Mutex::new(settings.clone())),
            parts,
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

    /// Applies changed settings as far as no thread needs to stop for them. `consumers` says which are to run from now on, and
    /// `changed`, for people, what is in effect then.
    pub(super) fn apply(&mut self, settings: &Settings, changed: &[String]) {
        self.grace = settings.grace;
        self.apply_at_once(settings);
        if let Some(service) = &self.service {
            service.set_settings(explicit(settings));
        }
        self.parts.log.set_limit(settings.mov_level);
        logs::levels::configure(&settings.logs);
        for change in changed {
            log::info!("{change}");
        }
        let had_routes = self.parts.settings.routes != Routes::default();
        self.parts.settings = settings.clone();
        self.consumers = ConsumerGroup::all(&self.parts);
        if had_routes || settings.routes != Routes::default() {
            self.change_routes();
        }
    }

    fn apply_at_once(&self, settings: &Settings) {
        self.parts.tuning.set(tuning_options(settings));
        let paused = settings.channels.iter().filter(|(_, channel)| channel.paused == Some(true));
        self.operations.pauses.configure(paused.map(|(name, _)| name.clone()).collect());
        self.operations.tap.set_limits(settings.tap);
    }

    /// The component, as the MOV knows it.
    pub(super) fn info(&self) -> &ComponentInfo {
        &self.parts.component.info
    }

    /// The identifier of the registration, if there is one.
    pub(super) fn registered_as(&self) -> Option<Id> {
        self.identity.id()
    }

    /// Starts the consumers and producers from configuration.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub(super) fn start_routes(&self) -> Result<(), Error> {
        self.routes.lock().apply(&self.parts.settings, Instant::now())
    }

    /// Changes the consumers and producers from configuration, on a thread: those that end finish what is in flight.
    fn change_routes(&self) {
        self.wanted_routes.lock().clone_from(&self.parts.settings);
        let (routes, wanted, grace) = (Arc::clone(&self.routes), Arc::clone(&self.wanted_routes), self.grace);
        let change = move || {
            let mut routes = routes.lock();
            // Threads of several changes get the lock in any order.
            let settings = wanted.lock().clone();
            let deadline = Instant::now() + grace.mul_f64(ROUTES_DRAINED_BY);
            if let Err(error) = routes.apply(&settings, deadline) {
                log::error!("cannot change the routes: {error}");
            }
        };
        if let Err(error) = thread::Builder::new().name("routes".into()).spawn(change) {
            log::error!("cannot change the routes: {error}");
        }
    }

    /// Reports something in the component's log and in the MOV's.
    pub(super) fn report(&self, severity: Severity, message: String) {
        self.parts.log.add(Entry { severity, message, payload: None });
    }

    pub(super) fn warn_of_slow_handlers(&self) {
        self.consumers.iter().for_each(|group| group.consumer.warn_of_slow_handlers());
        // While they change, the next look is soon enough.
        if let Some(routes) = self.routes.try_lock() {
            routes.warn_of_slow_handlers();
        }
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
