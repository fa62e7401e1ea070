//! The messages that a component publishes to the MOV: one function for each.

use serde::Serialize;

use super::component_info::ComponentInfo;
use super::log::{Entry, Severity};
use crate::message::Outgoing;
use crate::name::Id;

/// The queue of registrations, which the MOV consumes.
pub const REGISTER: &str = "valawai/component/register";

/// The queue of the messages that end registrations.
pub const UNREGISTER: &str = "valawai/component/unregister";

/// The queue of queries for components.
pub const QUERY: &str = "valawai/component/query";

/// The queue of the answers to [`QUERY`], which all components share.
pub const PAGE: &str = "valawai/component/page";

/// The queue of requests to create connections.
pub const TOPOLOGY_CREATE: &str = "valawai/topology/create";

/// The queue of requests to change connections.
pub const TOPOLOGY_CHANGE: &str = "valawai/topology/change";

/// The queue of requests to change which connections a C2 component observes.
pub const NOTIFICATION_CHANGE: &str = "valawai/topology/notification/change";

/// The queue of requests to let a C2 component observe a connection.
pub const NOTIFICATION_CREATE: &str = "valawai/topology/notification/create";

/// The queue of queries for connections.
pub const TOPOLOGY_QUERY: &str = "valawai/topology/query";

/// The queue of the answers to [`TOPOLOGY_QUERY`], which all components share.
pub const TOPOLOGY_PAGE: &str = "valawai/topology/page";

/// How long a query waits for the MOV, in milliseconds.
const QUERY_EXPIRES_AFTER_MS: u32 = 10_000;

/// Registers the component. The message expires, because a MOV that starts later would forget the registration at once.
#[must_use]
pub fn register(info: &ComponentInfo, expires_after_ms: u32) -> Outgoing {
    #[derive(Serialize)]
    struct Register<'r> {
        r#type: &'static str,
        name: &'r str,
        version: &'r str,
        asyncapi_yaml: &'r str,
    }

    let body =
        Register { r#type: info.level.upper(), name: &info.name, version: info.version, asyncapi_yaml: info.asyncapi };
    Outgoing { expires_after_ms: Some(expires_after_ms), ..to_mov(REGISTER, &body) }
}

/// Ends the registration `id`.
#[must_use]
pub fn unregister(id: &Id) -> Outgoing {
    #[derive(Serialize)]
    struct Unregister<'u> {
        component_id: &'u str,
    }

    to_mov(UNREGISTER, &Unregister { component_id: id.as_str() })
}

/// Queries the live registrations of the component's name. The answer carries `query_id`.
#[must_use]
pub fn query(info: &ComponentInfo, query_id: &str) -> Outgoing {
    #[derive(Serialize)]
    struct Query<'q> {
        id: &'q str,
        pattern: &'q str,
        r#type: &'static str,
        offset: u32,
        limit: u32,
    }

    let body = Query { id: query_id, pattern: &info.name, r#type: info.level.upper(), offset: 0, limit: 100 };
    Outgoing { expires_after_ms: Some(QUERY_EXPIRES_AFTER_MS), ..to_mov(QUERY, &body) }
}

/// Adds an entry to the MOV's log, whose queue is `queue`.
#[must_use]
pub fn add_log(entry: &Entry, id: Option<&Id>, queue: &str) -> Outgoing {
    #[derive(Serialize)]
    struct AddLog<'l> {
        level: Severity,
        message: &'l str,
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<&'l str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        component_id: Option<&'l str>,
    }

    let body = AddLog {
        level: entry.severity,
        message: &entry.message,
        payload: entry.payload.as_deref(),
        component_id: id.map(Id::as_str),
    };
    Outgoing { persistent: false, mandatory: false, ..to_mov(queue, &body) }
}

/// What to do with a connection or a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Action {
    /// The MOV forwards its messages.
    Enable,
    /// The MOV does not forward its messages.
    Disable,
    /// It ends.
    Remove,
}

/// The body of a request to change a connection.
#[derive(Debug, Serialize)]
pub struct ChangeTopology<'r> {
    /// What to do.
    pub action: Action,
    /// The connection.
    pub connection_id: &'r Id,
}

/// The body of a request to create a connection.
#[derive(Debug, Serialize)]
pub struct CreateConnection<'r> {
    /// The channel on which a component publishes.
    pub source: Endpoint<'r>,
    /// The channel that a component consumes.
    pub target: Endpoint<'r>,
    /// Whether the MOV forwards messages at once.
    pub enabled: bool,
}

/// The body of a request to change a notification: whether a C2 component observes a connection.
#[derive(Debug, Serialize)]
pub struct ChangeNotification<'r> {
    /// What to do.
    pub action: Action,
    /// The connection.
    pub connection_id: &'r Id,
    /// The channel of the C2 component.
    pub target: Endpoint<'r>,
}

/// The body of a query for connections. The answer carries its identifier.
#[derive(Debug, Serialize)]
pub struct TopologyQuery<'r> {
    /// Identifies the query.
    pub id: &'r str,
    /// How many connections to skip.
    pub offset: usize,
    /// How many connections to return.
    pub limit: usize,
}

/// Queries the connections of all components.
#[must_use]
pub fn topology_query(query: &TopologyQuery<'_>) -> Outgoing {
    Outgoing { expires_after_ms: Some(QUERY_EXPIRES_AFTER_MS), ..to_mov(TOPOLOGY_QUERY, query) }
}

/// Requests to change a notification: whether the channel `target` of a C2 component observes a connection.
#[must_use]
pub fn change_notification(action: Action, connection_id: &Id, target: (&Id, &str)) -> Outgoing {
    let body = ChangeNotification { action, connection_id, target: Endpoint::new(target) };
    to_mov(NOTIFICATION_CHANGE, &body)
}

/// A channel of a registered component.
#[derive(Debug, Serialize)]
pub struct Endpoint<'r> {
    component_id: &'r Id,
    channel_name: &'r str,
}

impl<'r> Endpoint<'r> {
    /// The channel of a component, by its identifier and the full name of the channel.
    #[must_use]
    pub fn new((component_id, channel_name): (&'r Id, &'r str)) -> Self {
        Self { component_id, channel_name }
    }
}

fn to_mov(queue: &str, body: &impl Serialize) -> Outgoing {
    // Most of these are log entries, of which few are longer.
    let mut json = Vec::with_capacity(512);
    serde_json::to_writer(&mut json, body).expect("structs of strings always serialize");
    Outgoing::new(queue, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    fn text(message: Outgoing) -> String {
        String::from_utf8(message.body).unwrap()
    }

    #[test]
    fn a_registration_has_the_type_name_version_and_contract() {
        assert_eq!(
            text(register(&ComponentInfo::example(), 5)),
            r#"{"type":"C1","name":"c1_echo","version":"1.0.0","asyncapi_yaml":"channels: {}"}"#
        );
    }

    #[test]
    fn the_end_of_a_registration_has_its_identifier() {
        assert_eq!(text(unregister(&ID.parse().unwrap())), format!(r#"{{"component_id":"{ID}"}}"#));
    }

    #[test]
    fn a_query_has_the_name_and_type_of_the_component() {
        assert_eq!(
            text(query(&ComponentInfo::example(), "q-1")),
            r#"{"id":"q-1","pattern":"c1_echo","type":"C1","offset":0,"limit":100}"#
        );
    }

    #[test]
    fn a_log_entry_has_a_payload_that_is_a_string() {
        let id: Id = ID.parse().unwrap();
        let entry = Entry::new(Severity::Warn, "careful", &serde_json::json!({"a": 1}));
        assert_eq!(
            text(add_log(&entry, Some(&id), "q")),
            format!(r#"{{"level":"WARN","message":"careful","payload":"{{\"a\":1}}","component_id":"{ID}"}}"#)
        );
    }

    #[test]
    fn a_log_entry_omits_what_it_does_not_have() {
        let entry = Entry::plain(Severity::Info, "hi".into());
        assert_eq!(text(add_log(&entry, None, "q")), r#"{"level":"INFO","message":"hi"}"#);
    }
}
