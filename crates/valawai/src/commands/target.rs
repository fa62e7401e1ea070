//! The component for which a command is called.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::exit::Stop;
use crate::asyncapi::{Contract, Direction, REGISTERED};
use crate::component::ResolvedComponent;
use crate::component::settings::OwnSettings;
use crate::name::{ChannelName, Kind};
use crate::routes::HandlerChannel;

/// A component: its name and, if they are known, its channels.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// As the MOV knows it: `c1_echo`.
    pub(super) name: String,
    /// Empty if there is no contract.
    pub(super) channels: Vec<(ChannelName, Direction)>,
    /// The text of `asyncapi.yaml`, if it is known.
    pub(super) contract: Option<Arc<str>>,
    /// The handlers that routes may feed, if they are known.
    pub(super) handlers: Option<Vec<HandlerChannel>>,
    /// The settings that its author declares, if they are known.
    pub(super) own_settings: Option<OwnSettings>,
}

impl Target {
    pub(super) fn of(resolved: &ResolvedComponent) -> Self {
        let info = &resolved.info;
        Self {
            name: info.name.clone(),
            channels: info.channels.clone(),
            contract: Some(info.asyncapi.into()),
            handlers: Some(resolved.handlers()),
            own_settings: resolved.own_settings(),
        }
    }

    /// The component with this name, whose channels are not known.
    pub(super) fn named(name: &str) -> Result<Self, Stop> {
        let target =
            Self { name: name.to_owned(), channels: Vec::new(), contract: None, handlers: None, own_settings: None };
        match target.queue("data/x").parse::<ChannelName>() {
            Ok(_) => Ok(target),
            Err(_) => Err(Stop::usage(format!("`{name}` is not the name of a component, as in c1_echo"))),
        }
    }

    /// The component that `asyncapi.yaml` describes.
    pub(super) fn from_file(path: &Path) -> Result<Self, Stop> {
        let text = fs::read_to_string(path)
            .map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))?;
        let contract = Contract::parse(&text).map_err(|findings| {
            let findings: Vec<String> = findings.iter().map(ToString::to_string).collect();
            Stop::usage(format!("{} has defects:\n  {}", path.display(), findings.join("\n  ")))
        })?;
        let channels: Vec<_> = contract.channels().iter().map(|it| (it.name.clone(), it.direction)).collect();
        // Whether a handler has a state is known to its program only.
        let handler = |(name, direction): &(ChannelName, Direction)| {
            let is_handled = *direction == Direction::Consume && name.short() != REGISTERED;
            is_handled.then(|| HandlerChannel { channel: name.clone(), has_state: false })
        };
        let handlers = Some(channels.iter().filter_map(handler).collect());
        let (name, contract) = (contract.component_name(), Some(text.into()));
        Ok(Self { name, channels, contract, handlers, own_settings: None })
    }

    /// The queue of what follows the component in a name: `data/received_message`, `dead_letter/data/received_message`.
    pub(super) fn queue(&self, rest: &str) -> String {
        let (level, component) = self.name.split_once('_').unwrap_or(("", &self.name));
        format!("valawai/{level}/{component}/{rest}")
    }

    /// The channels on which it receives.
    pub(super) fn consumed(&self) -> impl Iterator<Item = &ChannelName> {
        self.channels.iter().filter(|(_, direction)| *direction == Direction::Consume).map(|(name, _)| name)
    }

    /// The channels whose messages may fail: all that it receives on, but the MOV's notices.
    pub(super) fn handled(&self) -> impl Iterator<Item = &ChannelName> {
        self.consumed().filter(|channel| channel.short() != REGISTERED)
    }

    /// The channels on which it publishes.
    pub(super) fn published(&self) -> impl Iterator<Item = &ChannelName> {
        self.channels.iter().filter(|(_, direction)| *direction == Direction::Publish).map(|(name, _)| name)
    }

    /// The channel that `text` names: in full, as in `data/received_message`, or by its operation alone.
    pub(super) fn channel(&self, text: &str) -> Option<ChannelName> {
        let known = self.channels.iter().map(|(name, _)| name);
        let is_named =
            |name: &&ChannelName| text == &**name.queue() || text == name.short() || text == name.operation();
        let mut found: Vec<&ChannelName> = known.filter(is_named).collect();
        // A data channel and a control channel may have the same operation.
        found.sort_by_key(|name| name.kind() == Kind::Control);
        match found.first() {
            Some(name) => Some((*name).clone()),
            None => text.parse().or_else(|_| self.queue(text).parse()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo() -> Target {
        let channel = |name: &str| (name.parse().unwrap(), Direction::Consume);
        Target {
            name: "c1_echo".to_owned(),
            channels: vec![channel("valawai/c1/echo/control/x"), channel("valawai/c1/echo/data/x")],
            contract: None,
            handlers: None,
            own_settings: None,
        }
    }

    #[test]
    fn a_channel_is_named_in_full_or_by_its_last_parts() {
        let named = |text: &str| echo().channel(text).map(|channel| channel.to_string());
        for text in ["valawai/c1/echo/data/x", "data/x", "x"] {
            assert_eq!(named(text).as_deref(), Some("valawai/c1/echo/data/x"), "{text}");
        }
        assert_eq!(named("control/x").as_deref(), Some("valawai/c1/echo/control/x"));
        assert_eq!(named("data/other").as_deref(), Some("valawai/c1/echo/data/other"), "channels may be unknown");
        assert_eq!(named("other"), None);
    }

    #[test]
    fn names_that_the_platform_does_not_allow_are_rejected() {
        assert!(Target::named("c1_echo").is_ok());
        for name in ["", "echo", "c1", "c1_", "c9_echo", "c1_e-cho", "c1_a/b"] {
            assert!(Target::named(name).is_err(), "{name} was accepted");
        }
    }
}
