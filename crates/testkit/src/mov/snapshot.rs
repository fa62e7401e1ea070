//! The state that the MOV simulator reports, and its log.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The response of `GET /simulator`.
#[derive(Debug, Clone, Deserialize)]
pub struct MovSnapshot {
    /// Whether it consumes from the broker.
    pub connected: bool,
    /// How often its shared client has reconnected.
    pub reconnects: u64,
    /// Whether its shared client has given up reconnecting: it consumes, but cannot publish.
    pub given_up: bool,
    /// How many messages it has consumed.
    pub counts: Counts,
    /// The registrations that are not finished.
    pub live: Vec<Registration>,
    /// All registrations since its start.
    pub registrations: Vec<Registration>,
    /// All connections since its start.
    pub connections: Vec<Connection>,
    /// The messages that it rejected as invalid.
    pub refusals: Vec<Refusal>,
    /// The MOV's own queues whose stream has failed, with the reason.
    pub poisoned: BTreeMap<String, String>,
    /// The MOV's own queues that exist with other arguments, so that it cannot consume them.
    pub unready: BTreeMap<String, String>,
    /// The source queues whose messages are discarded.
    #[serde(rename = "sinks")]
    pub discarding_queues: BTreeMap<String, String>,
    /// The source queues that are not consumed since a reconnect, although their connections are enabled.
    #[serde(rename = "dead_taps")]
    pub dead_source_queues: BTreeMap<String, String>,
    /// How many messages were forwarded to targets.
    pub forwarded: u64,
    /// How many log entries it has received since its start.
    pub logs: u64,
}

/// How many messages the MOV has consumed, including rejected ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    /// Registrations.
    pub registers: u64,
    /// Unregistrations.
    pub unregisters: u64,
    /// Unregistrations of an id that is unknown or already finished.
    pub unknown_unregisters: u64,
    /// Queries for components.
    pub component_queries: u64,
}

/// One registration of a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registration {
    /// The id that the MOV assigned.
    pub id: String,
    /// The component's name.
    pub name: String,
    /// The component's level: C0, C1 or C2.
    #[serde(rename = "type")]
    pub kind: String,
    /// The component's version.
    pub version: String,
    /// The component's description.
    pub description: Option<String>,
    /// The queue to which the notice was sent.
    pub registered_channel: Option<String>,
    /// When it registered.
    pub since: u64,
    /// Whether it was unregistered.
    pub finished: bool,
}

/// A connection from a published to a subscribed channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Connection {
    /// The id that the MOV assigned.
    pub id: String,
    /// Where its messages come from.
    pub source: Endpoint,
    /// Where its messages go to.
    pub target: Endpoint,
    /// Whether messages are forwarded.
    pub enabled: bool,
    /// Whether it was removed.
    pub deleted: bool,
    /// The C2 components that are notified of its messages.
    #[serde(default)]
    pub notifications: Vec<Notification>,
}

/// A channel that is notified of each message of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Notification {
    /// The channel.
    pub target: Endpoint,
    /// Whether notifications are sent.
    pub enabled: bool,
}

/// A channel of a component.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Endpoint {
    /// The id of the component's registration.
    pub component_id: String,
    /// The channel's name, which is also its queue.
    pub channel_name: String,
}

/// A message that the MOV rejected as invalid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// The queue from which it was consumed.
    pub queue: String,
    /// Why it is invalid.
    pub reason: String,
    /// The start of its body.
    pub body: String,
}

/// A page of `GET /v1/logs`.
#[derive(Debug, Deserialize)]
pub(crate) struct LogPage {
    #[serde(default)]
    pub(crate) logs: Vec<LogEntry>,
}

/// An entry of the MOV's log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogEntry {
    /// The level, such as `INFO`.
    pub level: String,
    /// The text.
    pub message: String,
    /// A JSON text, if the entry has a payload.
    pub payload: Option<String>,
    /// The component that sent it, if it is known.
    pub component: Option<LogComponent>,
    /// When the MOV received it.
    pub timestamp: u64,
}

/// The component that sent a log entry.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogComponent {
    /// The id of its registration.
    pub id: String,
    /// Its name.
    pub name: String,
}
