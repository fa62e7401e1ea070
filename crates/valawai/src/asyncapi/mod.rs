//! The contract of a component, `asyncapi.yaml`, read as the MOV reads it: its name, its level, its channels, and what the
//! MOV would refuse, ignore or never connect.
//!
//! The MOV reads the same text when the component registers, and does not tell the component about defects. Its convention
//! is the opposite of the official one: the component sends on channels with `publish`, and receives on channels with
//! `subscribe`.
//!
//! - `yaml` is the document with the line of each node, within the limits of the MOV's YAML library.
//! - `channels`, `payload` and `reference` read the schemas of the channels, and report what the MOV refuses.
//! - `matching` is the rule by which the MOV connects channels.
//! - `checks` reports what the MOV accepts, but does not use as it is meant.
//! - `report` describes the contract for people, with all findings; `validation` checks a message against it.

mod channels;
mod checks;
mod finding;
mod matching;
mod payload;
mod reference;
mod report;
#[cfg(any(test, feature = "internals", fuzzing))]
mod sample;
mod schema;
mod shown_schema;
mod validation;
mod yaml;

use self::channels::ParsedChannel;
use self::finding::Findings;
use self::yaml::Node;
use crate::name::{ChannelName, Level};

pub use self::finding::Finding;
pub use self::report::{Report, ReportedChannel, document};
#[cfg(any(test, feature = "internals", fuzzing))]
pub use self::sample::sample;
pub use self::validation::MessageSchemas;

/// The channel of the MOV's notices, which the kit consumes.
pub(crate) const REGISTERED: &str = "control/registered";

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
    warnings: Vec<Finding>,
}

impl Contract {
    /// Parses the text of `asyncapi.yaml`.
    ///
    /// # Errors
    /// All that makes the MOV refuse the component, never notify it, or never connect or forward a channel, in the order of
    /// the lines. Time, memory and stack are limited, whatever the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::default();
        let channels = read(text, &mut findings);
        let warnings = findings.into_result()?;
        Ok(Self { channels, warnings })
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

    /// What the MOV accepts, but what is probably not meant, in the order of the lines.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

fn read(text: &str, findings: &mut Findings) -> Vec<Channel> {
    let Some(root) = yaml::load(text, findings) else { return Vec::new() };
    read_root(&root, findings).iter().map(to_channel).collect()
}

fn read_root<'a>(root: &'a Node, findings: &mut Findings) -> Vec<ParsedChannel<'a>> {
    let channels = channels::read(root, findings);
    check_component(&channels, findings);
    checks::check(root, &channels, findings);
    reference::warn_of_unresolved(root, findings);
    channels
}

/// All channels must belong to one component.
fn check_component(channels: &[ParsedChannel<'_>], findings: &mut Findings) {
    let component = |channel: &ParsedChannel<'_>| (channel.name.level(), channel.name.component().to_owned());
    let Some(first) = channels.first() else { return };
    if let Some(other) = channels.iter().find(|other| component(other) != component(first)) {
        let text = format!(
            "channel `{}` belongs to a different component than `{}`: the MOV knows a component by one name; rename one",
            other.name, first.name
        );
        findings.error(other.line, text);
    }
}

fn to_channel(channel: &ParsedChannel<'_>) -> Channel {
    let direction = if channel.subscribe.is_some() { Direction::Consume } else { Direction::Publish };
    Channel { name: channel.name.clone(), direction }
}

#[cfg(test)]
mod tests;
