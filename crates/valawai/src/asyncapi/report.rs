//! What the MOV would make of a contract, for people: also of one that it refuses.

use serde_json::{Map, Value};

use super::channels::{Operation, ParsedChannel};
use super::checks::registered;
use super::finding::{Finding, Findings};
use super::yaml::{self, Node, Value as Yaml};
use super::{Direction, REGISTERED, read_root};
use crate::name::{ChannelName, Level};

/// The most values of a document that is converted: a few lines with aliases can stand for more than the memory holds.
const MAX_VALUES: usize = 1_000_000;

/// What the MOV would make of a contract.
#[derive(Debug, Default)]
pub struct Report {
    /// The component, as in `c1_echo`, if there is a channel that tells it.
    pub component: Option<String>,
    /// Its level.
    pub level: Option<Level>,
    /// `info.version`, which the MOV keeps as the version of the interface.
    pub version: Option<String>,
    /// `info.description`.
    pub description: Option<String>,
    /// The channels whose names the MOV understands.
    pub channels: Vec<ReportedChannel>,
    /// Whether the MOV would notify the component that it is registered.
    pub is_notified: bool,
    /// What makes the MOV refuse the component, never notify it, or never connect or forward a channel.
    pub errors: Vec<Finding>,
    /// What the MOV accepts, but what is probably not meant.
    pub warnings: Vec<Finding>,
}

/// A channel, as the MOV keeps it.
#[derive(Debug)]
pub struct ReportedChannel {
    /// Its name.
    pub name: ChannelName,
    /// The direction, as the component sees it; the MOV accepts both and none.
    pub directions: Vec<Direction>,
    /// Its line.
    pub line: usize,
    /// The schema in the MOV's JSON. `None` if the MOV never connects the channel.
    pub schema: Option<Value>,
    /// The schema in short.
    pub summary: Option<String>,
}

impl Report {
    /// Reads the text of `asyncapi.yaml`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut findings = Findings::default();
        let mut report = Self::default();
        if let Some(root) = yaml::load(text, &mut findings) {
            let channels = read_root(&root, &mut findings);
            let info = |name: &str| Some(root.get("info")?.get(name)?.as_text()?.to_owned());
            report.version = info("version");
            report.description = info("description");
            report.is_notified = registered::is_notified(&channels);
            if !channels.is_empty() && channels.iter().all(|channel| channel.name.short() != REGISTERED) {
                let line = root.entry("channels").map_or(1, |entry| entry.line);
                let text = format!("there is no channel `{REGISTERED}`: the MOV never notifies the component; add it");
                findings.error(line, text);
            }
            report.component =
                channels.first().map(|it| format!("{}_{}", it.name.level().lower(), it.name.component()));
            report.level = channels.first().map(|channel| channel.name.level());
            report.channels = channels.into_iter().map(report_channel).collect();
        }
        (report.errors, report.warnings) = findings.into_sorted();
        report
    }
}

fn report_channel(channel: ParsedChannel<'_>) -> ReportedChannel {
    let ParsedChannel { name, line, subscribe, publish } = channel;
    let direction = |operation: &Option<Operation<'_>>, direction| operation.as_ref().map(|_| direction);
    let directions = [direction(&subscribe, Direction::Consume), direction(&publish, Direction::Publish)];
    let schema = subscribe.or(publish).and_then(|operation| operation.message).map(|message| message.schema);
    ReportedChannel {
        name,
        directions: directions.into_iter().flatten().collect(),
        line,
        schema: schema.as_ref().map(super::schema::Schema::to_json),
        summary: schema.as_ref().map(super::schema::Schema::describe),
    }
}

/// The text of `asyncapi.yaml` as JSON. `None` if it is not YAML, or is too large with its aliases replaced.
#[must_use]
pub fn document(text: &str) -> Option<Value> {
    let root = yaml::load(text, &mut Findings::default())?;
    to_json(&root, &mut MAX_VALUES.clone())
}

fn to_json(node: &Node, values: &mut usize) -> Option<Value> {
    *values = values.checked_sub(1)?;
    Some(match &node.value {
        Yaml::Null => Value::Null,
        Yaml::Text(text) => text.as_str().into(),
        // A number that JSON does not know, such as `.inf`, or a date, is a text.
        Yaml::Other(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
        Yaml::List(items) => Value::Array(items.iter().map(|item| to_json(item, values)).collect::<Option<_>>()?),
        Yaml::Map(map) => {
            let entries = map.entries().iter().map(|entry| {
                let name = entry.key.scalar().unwrap_or("null").to_owned();
                Some((name, to_json(&entry.value, values)?))
            });
            Value::Object(entries.collect::<Option<Map<_, _>>>()?)
        }
    })
}
