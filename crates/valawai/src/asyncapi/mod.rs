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

use std::collections::BTreeSet;

use self::channels::ParsedChannel;
use self::finding::Findings;
use self::yaml::{Map, Node};
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
    /// The full names of the channels that were reported, because they have no direction or not such a name.
    unreadable: Vec<String>,
    warnings: Vec<Finding>,
}

impl Contract {
    /// Parses the text of `asyncapi.yaml`.
    ///
    /// # Errors
    /// All that makes the MOV refuse the component, never notify it, or never connect or forward a channel, in the order of
    /// the lines. Time, memory and stack are limited, whatever the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let (contract, errors) = Self::read(text);
        if errors.is_empty() { Ok(contract) } else { Err(errors) }
    }

    /// What [`Self::parse`] returns, and what could be read despite the errors, which may have no channels.
    pub(crate) fn read(text: &str) -> (Self, Vec<Finding>) {
        let mut findings = Findings::default();
        let (channels, unreadable) = read(text, &mut findings);
        let (errors, warnings) = findings.into_sorted();
        (Self { channels, unreadable, warnings }, errors)
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

    /// Whether the channel with this short name is in the text, but could not be read.
    pub(crate) fn is_unreadable(&self, short: &str) -> bool {
        self.unreadable.iter().any(|name| name.strip_suffix(short).is_some_and(|rest| rest.ends_with('/')))
    }

    /// What the MOV accepts, but what is probably not meant, in the order of the lines.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }
}

/// The channels, and the names of those that cannot be read.
fn read(text: &str, findings: &mut Findings) -> (Vec<Channel>, Vec<String>) {
    let Some(root) = yaml::load(text, findings) else { return Default::default() };
    let channels: Vec<Channel> = read_root(&root, findings).iter().filter_map(to_channel).collect();
    let unreadable = unreadable(&root, &channels);
    (channels, unreadable)
}

fn read_root<'a>(root: &'a Node, findings: &mut Findings) -> Vec<ParsedChannel<'a>> {
    let channels = channels::read(root, findings);
    check_component(&channels, findings);
    checks::check(root, &channels, findings);
    reference::warn_of_unresolved(root, findings);
    channels
}

/// The names of the document that are not among `channels`.
fn unreadable(root: &Node, channels: &[Channel]) -> Vec<String> {
    let readable: BTreeSet<&str> = channels.iter().map(|channel| &**channel.name.queue()).collect();
    let names = root.map("channels").into_iter().flat_map(Map::entries).filter_map(|entry| entry.key.scalar());
    names.filter(|name| !readable.contains(name)).map(str::to_owned).collect()
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

fn to_channel(ParsedChannel { name, subscribe, publish, .. }: &ParsedChannel<'_>) -> Option<Channel> {
    let direction = match (subscribe, publish) {
        (Some(_), _) => Direction::Consume,
        (None, Some(_)) => Direction::Publish,
        (None, None) => return None,
    };
    Some(Channel { name: name.clone(), direction })
}

#[cfg(test)]
mod tests;
