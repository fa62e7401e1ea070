//! What the MOV simulator tells a test, in types.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The answer of `GET /simulator`.
#[derive(Debug, Clone, Deserialize)]
pub struct MovSnapshot {
    /// Whether it consumes from the broker now.
    pub connected: bool,
    /// How often its shared client found the broker again.
    pub reconnects: u64,
    /// Whether its shared client has given up: it consumes, and can publish nothing.
    pub given_up: bool,
    pub counts: Counts,
    pub live: Vec<Registration>,
    pub registrations: Vec<Registration>,
    pub connections: Vec<Connection>,
    pub refusals: Vec<Refusal>,
    /// The MOV's own queues whose stream has died, with the reason.
    pub poisoned: BTreeMap<String, String>,
    /// The MOV's own queues that somebody had declared otherwise.
    pub unready: BTreeMap<String, String>,
    /// The source queues whose messages vanish in silence.
    pub sinks: BTreeMap<String, String>,
    /// The source queues from which nothing is forwarded since a reconnect, although their connections read "enabled".
    pub dead_taps: BTreeMap<String, String>,
    /// The copies that were sent to targets.
    pub forwarded: u64,
    /// The log entries since the start, also those it keeps no longer.
    pub logs: u64,
}

/// How many messages it consumed, the refused ones too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Counts {
    pub registers: u64,
    pub unregisters: u64,
    /// Of these, those of an id that was unknown or already finished.
    pub unknown_unregisters: u64,
    pub component_queries: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Registration {
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub version: String,
    pub description: Option<String>,
    /// The queue at which it was told that it is registered.
    pub registered_channel: Option<String>,
    pub since: u64,
    pub finished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Connection {
    pub id: String,
    pub source: End,
    pub target: End,
    pub enabled: bool,
    pub deleted: bool,
    #[serde(default)]
    pub notifications: Vec<Notification>,
}

/// Who is told of each message of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Notification {
    pub target: End,
    pub enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct End {
    pub component_id: String,
    pub channel_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    pub queue: String,
    pub reason: String,
    /// The beginning of what was refused.
    pub body: String,
}

/// A page of `GET /v1/logs`.
#[derive(Debug, Deserialize)]
pub(crate) struct LogPage {
    #[serde(default)]
    pub(crate) logs: Vec<LogEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogEntry {
    pub level: String,
    pub message: String,
    pub payload: Option<String>,
    pub component: Option<LogComponent>,
    pub timestamp: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogComponent {
    pub id: String,
    pub name: String,
}
