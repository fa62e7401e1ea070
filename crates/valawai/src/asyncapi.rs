//! Reads a component's contract, `asyncapi.yaml`: its name, its level and its channels.
//!
//! The MOV reads the same text when the component registers. Mind its convention, the opposite of the official one:
//! `publish` is what the component *sends*, `subscribe` what it *receives*.

use yaml_rust2::{Yaml, YamlLoader};

use crate::name::{ChannelName, Level, NameError};

/// What is wrong with a contract.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not one YAML document.
    #[error("asyncapi.yaml is not valid YAML: {0}")]
    Yaml(String),
    /// There is nothing to hear or to say.
    #[error("asyncapi.yaml has no channels; list each queue of the component below `channels:`")]
    NoChannels,
    /// A key below `channels` is not a channel's name.
    #[error("asyncapi.yaml, channels: {0}")]
    Channel(#[from] NameError),
    /// A channel that is neither sent nor received.
    #[error("asyncapi.yaml, channel `{0}`: it has neither `publish` (sent) nor `subscribe` (received)")]
    NoDirection(String),
    /// The channels belong to different components.
    #[error("asyncapi.yaml: channel `{other}` belongs to another component than `{first}`")]
    TwoComponents {
        /// The first channel of the file.
        first: String,
        /// The one that differs from it.
        other: String,
    },
    /// A reference leads nowhere; the MOV would connect nothing to such a channel, or refuse the component.
    #[error("asyncapi.yaml: `$ref: {0}` leads nowhere")]
    DanglingReference(String),
}

/// Whether a component sends or receives on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `subscribe`: the component receives.
    Consume,
    /// `publish`: the component sends.
    Publish,
}

/// A channel of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its name, which is its queue's.
    pub name: ChannelName,
    /// Who sends.
    pub direction: Direction,
}

/// What `asyncapi.yaml` promises.
#[derive(Debug, Clone)]
pub struct Contract {
    channels: Vec<Channel>,
}

impl Contract {
    /// Reads the contract out of the text of `asyncapi.yaml`.
    ///
    /// # Errors
    /// When the text is not YAML, names no channels, mixes components, or has a reference that leads nowhere.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = YamlLoader::load_from_str(text).map_err(|error| Error::Yaml(error.to_string()))?;
        let root = document.first().ok_or(Error::NoChannels)?;
        check_references(root, root)?;
        let channels = read_channels(&root["channels"])?;
        Ok(Self { channels })
    }

    /// The component's name as the MOV knows it: `c1_echo`.
    #[must_use]
    pub fn component_name(&self) -> String {
        let first = &self.channels[0].name;
        format!("{}_{}", first.level().lower(), first.component())
    }

    /// The component's level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.channels[0].name.level()
    }

    /// All channels, in the order of the file.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The channel whose name ends in `short`, as in `data/received_message`.
    #[must_use]
    pub fn channel(&self, short: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name.short() == short)
    }
}

fn read_channels(node: &Yaml) -> Result<Vec<Channel>, Error> {
    let mut channels: Vec<Channel> = Vec::new();
    for (key, definition) in node.as_hash().ok_or(Error::NoChannels)? {
        let channel = read_channel(key.as_str().unwrap_or_default(), definition)?;
        if let Some(first) = channels.first().filter(|first| !same_component(&first.name, &channel.name)) {
            return Err(Error::TwoComponents { first: first.name.to_string(), other: channel.name.to_string() });
        }
        channels.push(channel);
    }
    if channels.is_empty() { Err(Error::NoChannels) } else { Ok(channels) }
}

fn read_channel(key: &str, definition: &Yaml) -> Result<Channel, Error> {
    let name: ChannelName = key.parse()?;
    let direction = if !definition["subscribe"].is_badvalue() {
        Direction::Consume
    } else if !definition["publish"].is_badvalue() {
        Direction::Publish
    } else {
        return Err(Error::NoDirection(key.to_owned()));
    };
    Ok(Channel { name, direction })
}

fn same_component(left: &ChannelName, right: &ChannelName) -> bool {
    left.level() == right.level() && left.component() == right.component()
}

fn check_references(node: &Yaml, root: &Yaml) -> Result<(), Error> {
    if let Some(reference) = node["$ref"].as_str()
        && !resolves(reference, root)
    {
        return Err(Error::DanglingReference(reference.to_owned()));
    }
    match node {
        Yaml::Hash(entries) => entries.values().try_for_each(|child| check_references(child, root)),
        Yaml::Array(items) => items.iter().try_for_each(|child| check_references(child, root)),
        _ => Ok(()),
    }
}

/// Local references only: the MOV follows no others.
fn resolves(reference: &str, root: &Yaml) -> bool {
    let Some(path) = reference.strip_prefix("#/") else { return false };
    let target = path.split('/').fold(root, |node, key| &node[key]);
    !target.is_badvalue()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
channels:
  valawai/c1/echo/data/heard: { subscribe: { message: { $ref: '#/components/messages/echo' } } }
  valawai/c1/echo/data/said: { publish: { message: { $ref: '#/components/messages/echo' } } }
components: { messages: { echo: { payload: { type: string } } } }
";

    #[test]
    fn name_level_and_directions_are_read() {
        let contract = Contract::parse(GOOD).unwrap();
        assert_eq!(contract.component_name(), "c1_echo");
        assert_eq!(contract.level(), Level::C1);
        assert_eq!(contract.channel("data/heard").unwrap().direction, Direction::Consume);
        assert_eq!(contract.channel("data/said").unwrap().direction, Direction::Publish);
        assert!(contract.channel("data/other").is_none());
    }

    #[test]
    fn each_fault_is_named() {
        for (text, expected) in [
            ("a: [", "not valid YAML"),
            ("", "no channels"),
            ("channels: {}", "no channels"),
            ("channels: 5", "no channels"),
            ("channels: { nonsense: { publish: {} } }", "`nonsense` is not a channel name"),
            ("channels: { valawai/c1/a/data/x: { } }", "neither `publish`"),
            (
                "channels: { valawai/c1/a/data/x: { publish: {} }, valawai/c1/b/data/x: { publish: {} } }",
                "belongs to another component",
            ),
            ("channels: { valawai/c1/a/data/x: { publish: { message: { $ref: '#/no/where' } } } }", "leads nowhere"),
        ] {
            let message = Contract::parse(text).expect_err(text).to_string();
            assert!(message.contains(expected), "{text:?} gave {message:?}, without {expected:?}");
        }
    }
}
