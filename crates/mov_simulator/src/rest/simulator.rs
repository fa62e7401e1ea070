//! `GET /simulator`: the state of the simulator for tests, most of which the real MOV does not report.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::object_id::ObjectId;
use crate::state::component::Component;
use crate::state::connection::{self, Endpoint};
use crate::state::{MovState, RejectedMessage};

/// The names of the members are read by the tests.
#[derive(Serialize)]
pub(super) struct Report<'s> {
    /// Whether the MOV is connected. A shared client that has given up does not count.
    connected: bool,
    /// Whether the shared client has given up.
    given_up: bool,
    /// How often the shared client has reconnected.
    reconnects: u64,
    /// The registrations that are not finished.
    live: Vec<Registration<'s>>,
    registrations: Vec<Registration<'s>>,
    connections: Vec<Connection<'s>>,
    /// The messages that were dropped because of their content.
    refusals: Vec<Refusal<'s>>,
    /// The MOV's queues whose stream has failed, with the reason.
    poisoned: &'s BTreeMap<String, String>,
    /// The MOV's queues that could not be declared, with the reason.
    unready: &'s BTreeMap<String, String>,
    /// The source queues whose messages are discarded, with the reason.
    sinks: &'s BTreeMap<String, String>,
    /// The source queues without a consumer although a connection is enabled, with the reason.
    dead_taps: BTreeMap<&'s str, &'s str>,
    /// How many copies were forwarded.
    forwarded: u64,
    /// How many messages were consumed.
    counts: Counts,
    /// How many log entries were added.
    logs: u64,
}

#[derive(Serialize)]
struct Registration<'s> {
    id: &'s ObjectId,
    name: &'s str,
    r#type: &'s str,
    version: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_channel: Option<&'s str>,
    since: u64,
    finished: bool,
}

#[derive(Serialize)]
struct Connection<'s> {
    id: &'s ObjectId,
    source: End<'s>,
    target: End<'s>,
    enabled: bool,
    deleted: bool,
    notifications: Vec<Notification<'s>>,
}

#[derive(Serialize)]
struct Notification<'s> {
    target: End<'s>,
    enabled: bool,
}

#[derive(Serialize)]
struct End<'s> {
    component_id: &'s ObjectId,
    channel_name: &'s str,
}

#[derive(Serialize)]
struct Refusal<'s> {
    queue: &'s str,
    reason: &'s str,
    body: &'s str,
}

#[derive(Serialize)]
struct Counts {
    registers: u64,
    unregisters: u64,
    unknown_unregisters: u64,
    component_queries: u64,
}

impl<'s> Report<'s> {
    pub(super) fn new(state: &'s MovState) -> Self {
        let client = &state.shared_client;
        let counts = state.counts;
        Self {
            connected: state.is_consuming && (client.is_connected() || client.has_given_up()),
            given_up: client.has_given_up(),
            reconnects: client.reconnects(),
            live: state.live_components().map(Registration::new).collect(),
            registrations: state.registrations().iter().map(Registration::new).collect(),
            connections: state.connections.iter().map(Connection::new).collect(),
            refusals: state.rejected_messages.iter().map(Refusal::new).collect(),
            poisoned: &state.poisoned,
            unready: &state.undeclared,
            sinks: &state.discarding,
            dead_taps: client.source_queues.dead().collect(),
            forwarded: state.forwarded,
            counts: Counts {
                registers: counts.registers,
                unregisters: counts.unregisters,
                unknown_unregisters: counts.unknown_unregisters,
                component_queries: counts.component_queries,
            },
            logs: state.logs.total(),
        }
    }
}

impl<'s> Registration<'s> {
    fn new(component: &'s Component) -> Self {
        Self {
            id: &component.id,
            name: &component.name,
            r#type: component.kind,
            version: &component.version,
            description: component.description.as_deref(),
            registered_channel: component.registered_channel(),
            since: component.since,
            finished: component.is_finished,
        }
    }
}

impl<'s> Connection<'s> {
    fn new(connection: &'s connection::Connection) -> Self {
        Self {
            id: &connection.id,
            source: End::new(&connection.source),
            target: End::new(&connection.target),
            enabled: connection.is_enabled,
            deleted: connection.is_deleted,
            notifications: connection.notifications.iter().map(Notification::new).collect(),
        }
    }
}

impl<'s> Notification<'s> {
    fn new(notification: &'s connection::Notification) -> Self {
        Self { target: End::new(&notification.target), enabled: notification.is_enabled }
    }
}

impl<'s> End<'s> {
    fn new(endpoint: &'s Endpoint) -> Self {
        Self { component_id: &endpoint.component, channel_name: &endpoint.channel }
    }
}

impl<'s> Refusal<'s> {
    fn new(message: &'s RejectedMessage) -> Self {
        Self { queue: &message.queue, reason: &message.reason, body: &message.excerpt }
    }
}
