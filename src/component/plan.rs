//! A component whose declaration fits its contract, with every channel's whole name.

use std::sync::Arc;
use std::time::Duration;

use super::check::REGISTERED;
use super::{Component, DeclaredAction};
use crate::asyncapi::Contract;
use crate::handler::{Answer, Hear, Say};
use crate::mov::profile::Profile;
use crate::name::{ChannelName, Kind};

/// A component that fits its contract, with every channel's whole name.
#[derive(Clone)]
pub struct Plan {
    pub(crate) profile: Profile,
    pub(crate) registered: ChannelName,
    pub(crate) routes: Vec<Route>,
    pub(crate) sources: Vec<Source>,
    pub(crate) says: Vec<ChannelName>,
}

impl Plan {
    /// The component's name, as the MOV knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.profile.name
    }

    /// The component's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.profile.version
    }

    pub(crate) fn hears(&self, kind: Kind) -> bool {
        self.routes.iter().any(|route| route.channel.kind() == kind)
    }

    pub(crate) fn routes_of(&self, kind: Kind) -> Vec<Route> {
        self.routes.iter().filter(|route| route.channel.kind() == kind).cloned().collect()
    }
}

/// From a channel to what happens to its messages.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) channel: ChannelName,
    pub(crate) task: String,
    pub(crate) action: Action,
}

#[derive(Clone)]
pub(crate) enum Action {
    Answer { to: ChannelName, handler: Arc<dyn Answer> },
    Then(Arc<dyn Hear>),
}

/// From the clock to a channel.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) channel: ChannelName,
    pub(crate) period: Duration,
    pub(crate) handler: Arc<dyn Say>,
}

impl Component {
    pub(super) fn plan(&self, contract: &Contract) -> Plan {
        let resolve = |short: &str| contract.channel(short).expect("it was checked").name.clone();
        let routes = self.hears.iter().map(|declared| {
            let channel = resolve(&declared.channel);
            let task = declared.task.clone().unwrap_or_else(|| channel.operation().to_owned());
            let action = match &declared.action {
                DeclaredAction::Answer { to, handler } => {
                    Action::Answer { to: resolve(to), handler: Arc::clone(handler) }
                }
                DeclaredAction::Then(handler) => Action::Then(Arc::clone(handler)),
            };
            Route { channel, task, action }
        });
        let sources = self.speaks.iter().map(|spoken| Source {
            channel: resolve(&spoken.channel),
            period: spoken.period,
            handler: Arc::clone(&spoken.source),
        });
        Plan {
            profile: Profile {
                name: contract.component_name(),
                level: contract.level(),
                version: self.version,
                asyncapi: self.asyncapi,
                channels: contract.channels().iter().map(|it| (it.name.clone(), it.direction)).collect(),
            },
            registered: resolve(REGISTERED),
            routes: routes.collect(),
            sources: sources.collect(),
            says: self.said_channels().map(resolve).collect(),
        }
    }
}
