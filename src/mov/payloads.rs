//! What a component tells the MOV, and what it hears from it: one function or type for each message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::{Entry, Severity};
use crate::message::Outgoing;
use crate::name::{ComponentId, Level};

/// Where a component registers. Its consumers are the MOV.
pub const REGISTER: &str = "valawai/component/register";

/// Where a component unregisters.
pub const UNREGISTER: &str = "valawai/component/unregister";

/// A registration. It is worthless after `expires_after_ms`: a MOV that starts later forgets it again at once.
#[must_use]
pub fn register(profile: &Profile, expires_after_ms: u32) -> Outgoing {
    #[derive(Serialize)]
    struct Register<'r> {
        r#type: &'static str,
        name: &'r str,
        version: &'r str,
        asyncapi_yaml: &'r str,
    }

    let body = Register {
        r#type: profile.level.upper(),
        name: &profile.name,
        version: profile.version,
        asyncapi_yaml: profile.asyncapi,
    };
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

/// The question for the live registrations of the name in `profile`, whose answer carries `query_id`.
#[must_use]
pub fn query(profile: &Profile, query_id: &str) -> Outgoing {
    #[derive(Serialize)]
    struct Query<'q> {
        id: &'q str,
        pattern: &'q str,
        r#type: &'static str,
        offset: u32,
        limit: u32,
    }

    let body = Query { id: query_id, pattern: &profile.name, r#type: profile.level.upper(), offset: 0, limit: 100 };
    Outgoing { expires_after_ms: Some(10_000), ..to_mov(QUERY, &body) }
}

/// The registrations of the name in `profile` that `body`, a page, tells of, if it answers the question `query_id`.
#[must_use]
pub fn registrations_in(body: &[u8], profile: &Profile, query_id: &str) -> Option<Vec<ComponentId>> {
    #[derive(Deserialize)]
    struct Page {
        query_id: String,
        #[serde(default)]
        components: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        name: String,
    }

    let page: Page = crate::payload::read(body).ok()?;
    let own = page.components.into_iter().filter(|listed| listed.name == profile.name);
    (page.query_id == query_id).then(|| own.filter_map(|listed| listed.id.parse().ok()).collect())
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

/// What the MOV is told about a component.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The whole name: `c1_echo`.
    pub name: String,
    /// The level.
    pub level: Level,
    /// Three numbers: `1.0.0`.
    pub version: &'static str,
    /// The text of `asyncapi.yaml`.
    pub asyncapi: &'static str,
}

/// The MOV's word that a component was registered, as far as it was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The registration.
    pub id: ComponentId,
    /// All of the notice, for the health file.
    pub whole: Value,
}

/// Why what came as a notice is not one for us.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// It cannot be read as a notice.
    #[error("it is not a `registered` notice: {0}")]
    Malformed(String),
    /// It speaks of another component.
    #[error("it is for the component {name} of type {level}, not for us")]
    Foreign {
        /// The name that it carries.
        name: String,
        /// The type that it carries.
        level: String,
    },
}

/// The largest notice that is read, in bytes; a real one has a few thousand.
const LARGEST_NOTICE: usize = 1024 * 1024;

impl Notice {
    /// Reads `body`. Anybody can write to our queue, so nothing in it is believed without a check.
    ///
    /// # Errors
    /// When it is no notice, or is not for `profile`.
    pub fn parse(body: &[u8], profile: &Profile) -> Result<Self, NoticeError> {
        #[derive(Deserialize)]
        struct Fields {
            id: String,
            name: String,
            r#type: String,
        }

        let malformed = |error: &dyn std::fmt::Display| NoticeError::Malformed(error.to_string());
        if body.len() > LARGEST_NOTICE {
            return Err(malformed(&format_args!("it has {} bytes", body.len())));
        }
        let fields: Fields = crate::payload::read(body).map_err(|error| malformed(&error))?;
        if fields.name != profile.name || fields.r#type != profile.level.upper() {
            let (name, level) = (brief(&fields.name), brief(&fields.r#type));
            return Err(NoticeError::Foreign { name, level });
        }
        let id = fields.id.parse().map_err(|error| malformed(&error))?;
        let whole = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        Ok(Self { id, whole })
    }
}

fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

fn to_mov(queue: &str, body: &impl Serialize) -> Outgoing {
    Outgoing::new(queue, serde_json::to_vec(body).expect("these structs of strings always serialize"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    fn profile() -> Profile {
        Profile { name: "c1_echo".into(), level: Level::C1, version: "1.0.0", asyncapi: "channels: {}" }
    }

    #[test]
    fn each_message_is_what_the_mov_asks_for() {
        let text = |message: Outgoing| String::from_utf8(message.body).unwrap();
        let id: ComponentId = ID.parse().unwrap();
        assert_eq!(
            text(register(&profile(), 5)),
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

    #[test]
    fn a_page_tells_of_the_registrations_of_our_name_if_it_answers_us() {
        let other = "75a0b1c2d3e4f5061728394a";
        let body = format!(
            r#"{{"query_id":"q-1","total":2,"components":[
                {{"id":"{ID}","name":"c1_echo","channels":[{{"subscribe":{{"type":"OBJECT","type":"OBJECT"}}}}]}},
                {{"id":"{other}","name":"c1_other"}}]}}"#
        );
        let read = |query_id| registrations_in(body.as_bytes(), &profile(), query_id);
        assert_eq!(read("q-1"), Some(vec![ID.parse().unwrap()]));
        assert_eq!(read("q-2"), None, "it is somebody else's answer");
        assert_eq!(registrations_in(br#"{"query_id":"q-1","total":0}"#, &profile(), "q-1"), Some(Vec::new()));
    }

    #[test]
    fn a_notice_of_ours_is_read() {
        let body = format!(r#"{{"id":"{ID}","name":"c1_echo","type":"C1","since":5}}"#);
        let notice = Notice::parse(body.as_bytes(), &profile()).unwrap();
        assert_eq!(notice.id.as_str(), ID);
        assert_eq!(notice.whole["since"], 5);
    }

    #[test]
    fn a_foreign_or_malformed_notice_is_refused_with_the_reason() {
        for (body, expected) in [
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_other","type":"C1"}"#, "c1_other"),
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_echo","type":"C2"}"#, "type C2"),
            (r#"{"id":"../../etc/passwd","name":"c1_echo","type":"C1"}"#, "24 hexadecimal"),
            (r#"{"name":"c1_echo","type":"C1"}"#, "missing field"),
            (r#"["65a0b1c2d3e4f5061728394a","c1_echo","C1"]"#, "not a JSON object"),
            ("nonsense", "not a JSON object"),
            ("", "not a JSON object"),
        ] {
            let error = Notice::parse(body.as_bytes(), &profile()).expect_err(body).to_string();
            assert!(error.contains(expected), "{body} gave {error:?}, without {expected:?}");
        }
        let huge = format!("{{\"id\":\"{}\"}}", "x".repeat(2 * LARGEST_NOTICE));
        assert!(Notice::parse(huge.as_bytes(), &profile()).is_err());
    }
}
