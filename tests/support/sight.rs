//! What the MOV simulator tells a test, in types.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The answer of `GET /simulator`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sight {
    /// Whether it consumes from the broker now.
    pub(crate) connected: bool,
    /// How often its shared client found the broker again.
    pub(crate) reconnects: u64,
    /// Whether its shared client has given up: it consumes, and can publish nothing.
    pub(crate) given_up: bool,
    pub(crate) counts: Counts,
    pub(crate) live: Vec<Registration>,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) refusals: Vec<Refusal>,
    /// The MOV's own queues whose stream has died, with the reason.
    pub(crate) poisoned: BTreeMap<String, String>,
    /// The MOV's own queues that somebody had declared otherwise.
    pub(crate) unready: BTreeMap<String, String>,
    /// The source queues whose messages vanish in silence.
    pub(crate) sinks: BTreeMap<String, String>,
    /// The source queues from which nothing is forwarded since a reconnect, although their connections read "enabled".
    pub(crate) dead_taps: BTreeMap<String, String>,
    /// The copies that were sent to targets.
    pub(crate) forwarded: u64,
    /// The log entries since the start, also those it keeps no longer.
    pub(crate) logs: u64,
}

/// How many messages it consumed, the refused ones too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) registers: u64,
    pub(crate) unregisters: u64,
    /// Of these, those of an id that was unknown or already finished.
    pub(crate) unknown_unregisters: u64,
    pub(crate) component_queries: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Registration {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    /// The queue at which it was told that it is registered.
    pub(crate) registered_channel: Option<String>,
    pub(crate) since: u64,
    pub(crate) finished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) source: End,
    pub(crate) target: End,
    pub(crate) enabled: bool,
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(crate) notifications: Vec<Notification>,
}

/// Who is told of each message of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Notification {
    pub(crate) target: End,
    pub(crate) enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct End {
    pub(crate) component_id: String,
    pub(crate) channel_name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) queue: String,
    pub(crate) reason: String,
    /// The beginning of what was refused.
    pub(crate) body: String,
}

/// A page of `GET /v1/logs`.
#[derive(Debug, Deserialize)]
pub(super) struct LogPage {
    #[serde(default)]
    pub(super) logs: Vec<LogEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LogEntry {
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) payload: Option<String>,
    pub(crate) component: Option<LogComponent>,
    pub(crate) timestamp: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LogComponent {
    pub(crate) id: String,
    pub(crate) name: String,
}
