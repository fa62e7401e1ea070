//! The messages that a component publishes to the MOV: one function for each.

use serde::Serialize;

use super::component_info::ComponentInfo;
use super::log::{Entry, Severity};
use crate::message::Outgoing;
use crate::name::ComponentId;

/// The queue of registrations, which the MOV consumes.
pub const REGISTER: &str = "valawai/component/register";

/// The queue of the messages that end registrations.
pub const UNREGISTER: &str = "valawai/component/unregister";

/// The queue of queries for components.
pub const QUERY: &str = "valawai/component/query";

/// The queue of the answers to [`QUERY`], which all components share.
pub const PAGE: &str = "valawai/component/page";

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
pub fn unregister(id: &ComponentId) -> Outgoing {
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
pub fn add_log(entry: &Entry, id: Option<&ComponentId>, queue: &str) -> Outgoing {
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
        component_id: id.map(ComponentId::as_str),
    };
    Outgoing { persistent: false, mandatory: false, ..to_mov(queue, &body) }
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
        let id: ComponentId = ID.parse().unwrap();
        let entry = Entry::new(Severity::Warn, "careful", &serde_json::json!({"a": 1}));
        assert_eq!(
            text(add_log(&entry, Some(&id), "q")),
            format!(r#"{{"level":"WARN","message":"careful","payload":"{{\"a\":1}}","component_id":"{ID}"}}"#)
        );
    }

    #[test]
    fn a_log_entry_omits_what_it_does_not_have() {
        let entry = Entry { severity: Severity::Info, message: "hi".into(), payload: None };
        assert_eq!(text(add_log(&entry, None, "q")), r#"{"level":"INFO","message":"hi"}"#);
    }
}
