//! A component whose declaration matches its contract, with the full names of its channels.

use std::sync::Arc;

use super::channel_builder::ChannelOptions;
use super::handler::Handler;
use super::input::{Consumed as _, Input};
use super::outlet::Outlets;
use super::parameters::PARAMETERS;
use super::scope::Scope;
use super::settings::OwnSettings;
use super::source::SourceLoop;
use super::{Component, Consumed, DeclaredSource, parameters};
use crate::asyncapi::{Contract, Finding, REGISTERED};
use crate::mov::component_info::ComponentInfo;
use crate::mov::log::MovLog;
use crate::name::{ChannelName, Kind};
use crate::operations::live_settings::LiveSettings;
use crate::routes::{self, ConsumerRoute, HandlerChannel};

/// A component that matches its contract.
#[derive(Clone)]
pub struct ResolvedComponent {
    pub(crate) info: ComponentInfo,
    /// The channel of the MOV's notices.
    pub(crate) registered: ChannelName,
    pub(crate) routes: Vec<Route>,
    pub(crate) sources: Vec<Source>,
    /// The channels on which it publishes.
    pub(crate) outputs: Vec<ChannelName>,
    settings: Option<OwnSettings>,
    warnings: Vec<String>,
}

impl ResolvedComponent {
    /// The component's name, as the MOV knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// The component's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.info.version
    }

    /// The queues on which it publishes.
    pub fn output_queues(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|channel| &**channel.queue())
    }

    /// What the MOV accepts in the `asyncapi.yaml`, but what is probably not meant: each with the line, what the MOV does, and
    /// the remedy. They are logged at the start.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The settings that its author declares.
    #[must_use]
    pub(crate) fn own_settings(&self) -> Option<OwnSettings> {
        self.settings.clone()
    }

    /// What the contexts of its handlers share.
    #[must_use]
    pub fn scope(&self, log: MovLog) -> Arc<Scope> {
        self.scope_with(log, Arc::default(), None)
    }

    /// What the contexts of its handlers share, with the producers from configuration, and the settings if they can change.
    #[must_use]
    pub(crate) fn scope_with(&self, log: MovLog, outlets: Arc<Outlets>, live: Option<LiveSettings>) -> Arc<Scope> {
        let outputs = Some(self.outputs.clone());
        let (component, version, settings) = (self.info.name.clone(), self.info.version, self.settings.clone());
        Arc::new(Scope { log, component, version, outputs, settings, live, outlets })
    }

    /// The route of a consumer from configuration; `None` if there is no such handler.
    pub(crate) fn route_of(&self, consumer: &ConsumerRoute) -> Option<Route> {
        let handlers = self.handlers();
        let channel = &routes::find_handler(&handlers, &consumer.handler).ok()?.channel;
        let handler = self.routes.iter().find(|route| route.input.short() == channel.short())?;
        let input = Input::of_route(&consumer.name, &consumer.queue, channel, consumer.delays());
        Some(Route { input, ..handler.clone() })
    }

    /// The handlers that routes may feed.
    #[must_use]
    pub fn handlers(&self) -> Vec<HandlerChannel> {
        let handler = |route: &Route| match &route.input {
            Input::Channel(channel) => {
                Some(HandlerChannel { channel: channel.clone(), has_state: route.options.state.is_some() })
            }
            Input::Route(_) => None,
        };
        self.routes.iter().filter_map(handler).collect()
    }

    /// The queues on which a C2 component is notified of sent messages.
    pub(crate) fn observed_channels(&self) -> Vec<Arc<str>> {
        let observed = self.routes.iter().filter(|route| route.options.observes);
        observed.map(|route| Arc::clone(route.input.queue())).collect()
    }

    /// The channels of one kind.
    #[must_use]
    pub fn routes_of(&self, kind: Kind) -> Vec<Route> {
        self.routes.iter().filter(|route| route.input.is_channel_of(kind)).cloned().collect()
    }
}

/// A consumed channel or queue, its handler and the channel of the replies.
#[derive(Clone)]
pub struct Route {
    pub(crate) input: Input,
    /// What the handler does, for the log.
    pub(crate) task: String,
    pub(crate) reply_to: Option<ChannelName>,
    pub(crate) handler: Handler,
    pub(crate) options: ChannelOptions,
}

impl Route {
    /// Whether threads of its own consume it.
    pub(crate) fn has_own_threads(&self) -> bool {
        self.options.workers.is_some() || self.options.state.is_some()
    }
}

/// A channel on which the component publishes by itself.
#[derive(Clone)]
pub struct Source {
    pub(crate) channel: ChannelName,
    pub(crate) run: SourceLoop,
    /// Whether it runs only on the replica that registers the component.
    pub(crate) on_one_replica: bool,
}

impl Component {
    /// The component with the full names of `contract`, which has all of its channels.
    pub(super) fn resolve(&self, contract: &Contract) -> ResolvedComponent {
        let full_name = |short: &str| contract.channel(short).expect("the channel was checked").name.clone();
        let route = |Consumed { channel, reply_to, handler, options }: &Consumed| {
            let channel = full_name(channel);
            Route {
                task: options.task.clone().unwrap_or_else(|| channel.operation().to_owned()),
                input: Input::Channel(channel),
                reply_to: reply_to.as_deref().map(full_name),
                handler: Arc::clone(handler),
                options: options.clone(),
            }
        };
        let has_parameters = self.consumed.iter().any(|declared| declared.channel == PARAMETERS);
        let kit_parameters = (!has_parameters && contract.channel(PARAMETERS).is_some()).then(parameters::of_kit);
        let source = |DeclaredSource { channel, run, on_one_replica }: &DeclaredSource| Source {
            channel: full_name(channel),
            run: Arc::clone(run),
            on_one_replica: *on_one_replica,
        };
        ResolvedComponent {
            info: ComponentInfo {
                name: contract.component_name(),
                level: contract.level(),
                version: self.version,
                asyncapi: self.asyncapi,
                channels: contract.channels().iter().map(|it| (it.name.clone(), it.direction)).collect(),
            },
            registered: full_name(REGISTERED),
            routes: self.consumed.iter().chain(&kit_parameters).map(route).collect(),
            sources: self.sources.iter().map(source).collect(),
            outputs: self.published_channels().map(full_name).collect(),
            settings: self.settings.as_ref().map(OwnSettings::without_values),
            warnings: contract.warnings().iter().map(Finding::to_string).collect(),
        }
    }
}
