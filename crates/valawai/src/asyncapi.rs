//! The contract of a component, `asyncapi.yaml`: its name, its level and its channels.
//!
//! The MOV reads the same text when the component registers. Its convention is the opposite of the official one: the
//! component sends on channels with `publish`, and receives on channels with `subscribe`.

use yaml_rust2::{Yaml, YamlLoader};

use crate::name::{ChannelName, Level, NameError};

/// Why a contract is invalid.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not one YAML document.
    #[error("asyncapi.yaml is not valid YAML: {0}")]
    Yaml(String),
    /// There are no channels.
    #[error("asyncapi.yaml has no channels; list each channel of the component under `channels:`")]
    NoChannels,
    /// A key under `channels` is not a channel name.
    #[error("asyncapi.yaml, channels: {0}")]
    Channel(#[from] NameError),
    /// A channel has no direction.
    #[error("asyncapi.yaml, channel `{0}`: neither `publish` (sent) nor `subscribe` (received) is given")]
    NoDirection(String),
    /// The channels belong to different components.
    #[error("asyncapi.yaml: channel `{other}` belongs to a different component than `{first}`")]
    TwoComponents {
        /// The first channel of the file.
        first: String,
        /// The first channel of another component.
        other: String,
    },
    /// A reference does not resolve. The MOV would not connect the channel, or reject the component.
    #[error("asyncapi.yaml: `$ref: {0}` does not resolve in this file")]
    UnresolvedReference(String),
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
    /// The name of the channel, which is the name of its queue.
    pub name: ChannelName,
    /// The direction, as the component sees it.
    pub direction: Direction,
}

/// The content of `asyncapi.yaml`.
#[derive(Debug, Clone)]
pub struct Contract {
    channels: Vec<Channel>,
}

impl Contract {
    /// Parses the text of `asyncapi.yaml`.
    ///
    /// # Errors
    /// If the text is not YAML, has no channels, has channels of several components, or has an unresolved reference.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document = YamlLoader::load_from_str(text).map_err(|error| Error::Yaml(error.to_string()))?;
        let root = document.first().ok_or(Error::NoChannels)?;
        check_references(root, root)?;
        let channels = read_channels(&root["channels"])?;
        Ok(Self { channels })
    }

    /// The name of the component at the MOV: `c1_echo`.
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

    /// The channel with this [short name](ChannelName::short), such as `data/received_message`.
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
        return Err(Error::UnresolvedReference(reference.to_owned()));
    }
    match node {
        Yaml::Hash(entries) => entries.values().try_for_each(|child| check_references(child, root)),
        Yaml::Array(items) => items.iter().try_for_each(|child| check_references(child, root)),
        _ => Ok(()),
    }
}

/// Whether a reference within the file resolves. The MOV supports no others.
fn resolves(reference: &str, root: &Yaml) -> bool {
    let Some(path) = reference.strip_prefix("#/") else { return false };
    let target = path.split('/').fold(root, |node, key| &node[key]);
    !target.is_badvalue()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = "
channels:
  valawai/c1/echo/data/input: { subscribe: { message: { $ref: '#/components/messages/echo' } } }
  valawai/c1/echo/data/output: { publish: { message: { $ref: '#/components/messages/echo' } } }
components: { messages: { echo: { payload: { type: string } } } }
";

    #[test]
    fn a_contract_has_a_name_a_level_and_channels_with_directions() {
        let contract = Contract::parse(CONTRACT).unwrap();
        assert_eq!(contract.component_name(), "c1_echo");
        assert_eq!(contract.level(), Level::C1);
        assert_eq!(contract.channel("data/input").unwrap().direction, Direction::Consume);
        assert_eq!(contract.channel("data/output").unwrap().direction, Direction::Publish);
        assert!(contract.channel("data/other").is_none());
    }

    #[test]
    fn each_error_is_described() {
        for (text, expected) in [
            ("a: [", "not valid YAML"),
            ("", "no channels"),
            ("channels: {}", "no channels"),
            ("channels: 5", "no channels"),
            ("channels: { nonsense: { publish: {} } }", "`nonsense` is not a channel name"),
            ("channels: { valawai/c1/a/data/x: { } }", "neither `publish`"),
            (
                "channels: { valawai/c1/a/data/x: { publish: {} }, valawai/c1/b/data/x: { publish: {} } }",
                "belongs to a different component",
            ),
            ("channels: { valawai/c1/a/data/x: { publish: { message: { $ref: '#/no/where' } } } }", "does not resolve"),
        ] {
            let message = Contract::parse(text).expect_err(text).to_string();
            assert!(message.contains(expected), "{text:?}: {expected:?} is not in {message:?}");
        }
    }
}
