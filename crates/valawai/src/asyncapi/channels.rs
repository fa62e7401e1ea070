//! The channels of the document, with the schemas that the MOV reads.

use super::Direction;
use super::finding::{Findings, quote};
use super::payload::{MAX_PARTS, PayloadReader};
use super::reference;
use super::schema::Schema;
use super::yaml::{Entry, Map, Node};
use crate::name::ChannelName;

/// A channel as the MOV keeps it.
pub(super) struct ParsedChannel<'a> {
    pub(super) name: ChannelName,
    pub(super) line: usize,
    pub(super) subscribe: Option<Operation<'a>>,
    pub(super) publish: Option<Operation<'a>>,
}

/// What a channel subscribes to, or what it publishes.
pub(super) struct Operation<'a> {
    pub(super) line: usize,
    /// `None` if the MOV reads none, which is reported.
    pub(super) message: Option<MessageSchema<'a>>,
}

pub(super) struct MessageSchema<'a> {
    /// The payload, behind its references.
    payload: &'a Node,
    pub(super) schema: Schema,
}

impl MessageSchema<'_> {
    /// The line of a property of the payload, or of the payload.
    pub(super) fn line_of(&self, property: &str) -> usize {
        let entry = self.payload.map("properties").and_then(|properties| properties.entry(property));
        entry.map_or(self.line(), |entry| entry.line)
    }

    /// The line of the payload.
    pub(super) fn line(&self) -> usize {
        self.payload.line
    }
}

/// Reads all channels, and reports what the MOV refuses or ignores.
pub(super) fn read<'a>(root: &'a Node, findings: &mut Findings) -> Vec<ParsedChannel<'a>> {
    let Some(entry) = root.entry("channels").filter(|entry| entry.value.as_map().is_some()) else {
        findings.error(
            root.entry("channels").map_or(1, |entry| entry.line),
            "there are no channels: the MOV refuses the component; list its channels under `channels:`",
        );
        return Vec::new();
    };
    let channels = entry.value.as_map().map(Map::entries).unwrap_or_default();
    if let Some(line) = line_of_version_3(root, channels) {
        findings.error(
            line,
            "the MOV reads AsyncAPI 2: it finds no schemas in a document of version 3, and never connects its \
             channels; write `asyncapi: 2.6.0`, and `subscribe` and `publish` in each channel",
        );
        return Vec::new();
    }
    if channels.is_empty() {
        findings.error(entry.line, "there are no channels: the MOV never notifies the component; list its channels");
    }
    let mut reader = ChannelReader { root, findings, parts: MAX_PARTS };
    channels.iter().filter_map(|entry| reader.channel(entry)).collect()
}

/// The line of `asyncapi: 3.…`, if the channels are written as in that version.
fn line_of_version_3(root: &Node, channels: &[Entry]) -> Option<usize> {
    let has_operation = |entry: &Entry| ["subscribe", "publish"].iter().any(|name| entry.value.get(name).is_some());
    let version = root.entry("asyncapi")?;
    let is_3 = version.value.scalar().is_some_and(|text| text.starts_with('3'));
    (is_3 && !channels.iter().all(has_operation)).then_some(version.line)
}

struct ChannelReader<'a, 'f> {
    root: &'a Node,
    findings: &'f mut Findings,
    parts: usize,
}

impl<'a> ChannelReader<'a, '_> {
    fn channel(&mut self, entry: &'a Entry) -> Option<ParsedChannel<'a>> {
        let line = entry.line;
        let name: ChannelName = match entry.key.scalar().unwrap_or_default().parse() {
            Ok(name) => name,
            Err(error) => {
                self.findings
                    .error(line, format!("{error}; the MOV does not recognize the component by it: rename it"));
                return None;
            }
        };
        if entry.value.as_map().is_none() && !entry.value.is_null() {
            self.findings.error(
                line,
                "a channel that is not a map: the MOV refuses the component; give it `subscribe` or `publish`",
            );
            return None;
        }
        let subscribe = self.operation(entry, "subscribe", Direction::Consume);
        let publish = self.operation(entry, "publish", Direction::Publish);
        match (&subscribe, &publish) {
            (None, None) => self.findings.error(line, without_direction(&entry.value)),
            (Some(_), Some(publish)) => self.findings.warning(
                publish.line,
                "a channel with both directions: the MOV would take messages of the component's own queue, and the \
                 component only consumes it; use two channels",
            ),
            _ => (),
        }
        Some(ParsedChannel { name, line, subscribe, publish })
    }

    fn operation(&mut self, channel: &'a Entry, keyword: &str, direction: Direction) -> Option<Operation<'a>> {
        let operation = channel.value.entry(keyword)?;
        let message = self.payload(operation).and_then(|payload| {
            let reader = PayloadReader::new(self.root, direction, self.findings, &mut self.parts);
            let schema = reader.read(payload)?;
            Some(MessageSchema { payload: behind_references(payload, self.root), schema })
        });
        Some(Operation { line: operation.line, message })
    }

    /// The payload of the message, which is inline or behind one reference.
    fn payload(&mut self, operation: &'a Entry) -> Option<&'a Node> {
        let Some(message) = operation.value.entry("message") else {
            self.without_schema(operation.line, "there is no `message`", "add it, with a `payload`");
            return None;
        };
        let (mut line, mut node) = (message.line, &*message.value);
        if let Some((reference, reference_line)) = reference::reference_of(node) {
            line = reference_line;
            let Some(target) = reference::resolve(reference, self.root) else {
                self.without_message(line, reference);
                return None;
            };
            node = target;
        }
        if node.map("payload").is_some() {
            return node.get("payload");
        }
        let (what, remedy) = if node.entry("$ref").is_some() {
            ("a reference to a message that is a reference itself", "refer to the message that has the `payload`")
        } else if ["oneOf", "anyOf", "allOf"].iter().any(|keyword| node.entry(keyword).is_some()) {
            ("a choice of messages", "write one message with the choice in its `payload`")
        } else {
            ("a message whose `payload` is missing or not a map", "give it a `payload` with `type: object`")
        };
        self.without_schema(line, what, remedy);
        None
    }

    fn without_message(&mut self, line: usize, reference: &str) {
        if reference::is_too_short(reference) {
            let text = format!("the reference {}: the MOV refuses the component; correct it", quote(reference));
            self.findings.error(line, text);
        } else {
            let what = format!("the reference {} does not resolve", quote(reference));
            self.without_schema(line, &what, reference::remedy(reference));
        }
    }

    fn without_schema(&mut self, line: usize, what: &str, remedy: &str) {
        let text = format!("{what}: to the MOV, the channel has no schema, and it never connects it; {remedy}");
        self.findings.error(line, text);
    }
}

fn without_direction(channel: &Node) -> &'static str {
    if channel.entry("$ref").is_some() {
        "the MOV does not follow the reference of a channel: it has no schema, and is never connected; write it out"
    } else {
        "neither `publish` (sent) nor `subscribe` (received) is given: the MOV never connects the channel; add one"
    }
}

/// The node to which a payload refers. The references were resolved before, so that their number is limited.
fn behind_references<'a>(mut node: &'a Node, root: &'a Node) -> &'a Node {
    while let Some(target) =
        reference::reference_of(node).and_then(|(reference, _)| reference::resolve(reference, root))
    {
        node = target;
    }
    node
}
