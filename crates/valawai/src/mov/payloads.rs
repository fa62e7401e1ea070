//! What a component sends to the MOV: one function for each message.

use serde::Serialize;

use super::component_info::ComponentInfo;
use super::log::{Entry, Severity};
use crate::message::Outgoing;
use crate::name::ComponentId;

/// Where a component registers. Its consumers are the MOV.
pub const REGISTER: &str = "valawai/component/register";

/// Where a component unregisters.
pub const UNREGISTER: &str = "valawai/component/unregister";

/// A registration. It is worthless after `expires_after_ms`: a MOV that starts later forgets it again at once.
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

/// The end of the registration `id`.
#[must_use]
pub fn unregister(id: &ComponentId) -> Outgoing {
    #[derive(Serialize)]
    struct Unregister<'u> {
        component_id: &'u str,
    }

    to_mov(UNREGISTER, &Unregister { component_id: id.as_str() })
}

/// Where components are asked for, and where the answers come, everybody's in one queue.
pub const QUERY: &str = "valawai/component/query";
/// See [`QUERY`].
pub const PAGE: &str = "valawai/component/page";

/// The question for the live registrations of the name in `info`, whose answer carries `query_id`.
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
    Outgoing { expires_after_ms: Some(10_000), ..to_mov(QUERY, &body) }
}

/// A line for the MOV's log, sent to `queue`.
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
    Outgoing::new(queue, serde_json::to_vec(body).expect("these structs of strings always serialize"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    #[test]
    fn each_message_is_what_the_mov_asks_for() {
        let text = |message: Outgoing| String::from_utf8(message.body).unwrap();
        let id: ComponentId = ID.parse().unwrap();
        assert_eq!(
            text(register(&ComponentInfo::example(), 5)),
            r#"{"type":"C1","name":"c1_echo","version":"1.0.0","asyncapi_yaml":"channels: {}"}"#
        );
        assert_eq!(text(unregister(&id)), format!(r#"{{"component_id":"{ID}"}}"#));
        let entry = Entry::new(Severity::Warn, "careful", &serde_json::json!({"a": 1}));
        assert_eq!(
            text(add_log(&entry, Some(&id), "q")),
            format!(r#"{{"level":"WARN","message":"careful","payload":"{{\"a\":1}}","component_id":"{ID}"}}"#)
        );
        let bare = Entry { severity: Severity::Info, message: "hi".into(), payload: None };
        assert_eq!(text(add_log(&bare, None, "q")), r#"{"level":"INFO","message":"hi"}"#);
    }
}
