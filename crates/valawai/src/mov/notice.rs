//! Notices: how the MOV describes a registration in a `registered` message, on a page of components, and over REST.

use serde::Deserialize;
use serde_json::Value;

use super::component_info::ComponentInfo;
use crate::asyncapi::Direction;
use crate::name::Id;

/// The largest notice that is parsed, in bytes. A real one has a few thousand.
const MAX_NOTICE_BYTES: usize = 1024 * 1024;

/// A registration of this component: its identifier, name and level are checked, the rest is not.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The identifier of the registration.
    pub id: Id,
    /// The whole notice, for the health file.
    pub json: Value,
}

/// Why a message is not a notice for this component.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// It is not a notice.
    #[error("it is not a `registered` notice: {0}")]
    Malformed(String),
    /// It is for another component.
    #[error("it is for another component, {name} of type {level}")]
    Foreign {
        /// The name in the notice.
        name: String,
        /// The type in the notice.
        level: String,
    },
}

impl Notice {
    /// Parses the body of a message. Every component can publish to the queue of notices, so the body is untrusted.
    ///
    /// # Errors
    /// If it is not a notice, or not for the component `info`.
    pub fn parse(body: &[u8], info: &ComponentInfo) -> Result<Self, NoticeError> {
        if body.len() > MAX_NOTICE_BYTES {
            return Err(NoticeError::Malformed(format!("it has {} bytes", body.len())));
        }
        let json = crate::payload::read(body).map_err(|error| NoticeError::Malformed(error.to_string()))?;
        Self::from_json(json, info)
    }

    /// Checks a notice that is already parsed.
    ///
    /// # Errors
    /// If it is not a notice, or not for the component `info`.
    pub fn from_json(json: Value, info: &ComponentInfo) -> Result<Self, NoticeError> {
        let text = |field: &str| {
            let found = json.get(field).and_then(Value::as_str);
            found.ok_or_else(|| NoticeError::Malformed(format!("it has no string `{field}`")))
        };
        let (name, level) = (text("name")?, text("type")?);
        if name != info.name || level != info.level.upper() {
            return Err(NoticeError::Foreign { name: shorten(name), level: shorten(level) });
        }
        let id =
            text("id")?.parse().map_err(|error: crate::name::NameError| NoticeError::Malformed(error.to_string()))?;
        Ok(Self { id, json })
    }

    /// The registered version.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.json.get("version")?.as_str()
    }

    /// The registered channels. The MOV omits the direction of a channel whose payload has no schema.
    pub fn channels(&self) -> impl Iterator<Item = (&str, Option<Direction>)> {
        let channels = self.json.get("channels").and_then(Value::as_array);
        channels.into_iter().flatten().map(|channel| {
            let has = |direction: &str| channel.get(direction).is_some_and(|schema| !schema.is_null());
            let direction = if has("publish") {
                Some(Direction::Publish)
            } else if has("subscribe") {
                Some(Direction::Consume)
            } else {
                None
            };
            (channel.get("name").and_then(Value::as_str).unwrap_or_default(), direction)
        })
    }
}

/// Parses a page of components. Returns the live registrations of the component `info`, or `None` if the page does not
/// answer the query `query_id`.
#[must_use]
pub fn parse_page(body: &[u8], info: &ComponentInfo, query_id: &str) -> Option<Vec<Notice>> {
    #[derive(Deserialize)]
    struct Page {
        query_id: String,
        #[serde(default)]
        components: Vec<Value>,
    }

    let page: Page = crate::payload::read(body).ok()?;
    // The MOV matches the pattern with names and descriptions, so the page may list other components.
    let own = page.components.into_iter().filter_map(|component| Notice::from_json(component, info).ok());
    (page.query_id == query_id).then(|| own.collect())
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    #[test]
    fn a_page_lists_the_registrations_of_the_component() {
        let other = "75a0b1c2d3e4f5061728394a";
        let body = format!(
            r#"{{"components":[
                {{"id":"{ID}","name":"c1_echo","type":"C1","channels":[{{"subscribe":{{"type":"OBJECT","type":"OBJECT"}}}}]}},
                {{"id":"{other}","name":"c1_other","type":"C1"}}],"total":2,"query_id":"q-1"}}"#
        );
        let live = parse_page(body.as_bytes(), &ComponentInfo::example(), "q-1").unwrap();
        let ids: Vec<Id> = live.into_iter().map(|notice| notice.id).collect();
        assert_eq!(ids, [ID.parse().unwrap()]);
    }

    #[test]
    fn a_page_without_components_is_an_empty_list() {
        let body = br#"{"query_id":"q-1","total":0}"#;
        assert_eq!(parse_page(body, &ComponentInfo::example(), "q-1"), Some(Vec::new()));
    }

    #[test]
    fn a_page_that_answers_another_query_is_ignored() {
        let body = br#"{"query_id":"q-1","total":0}"#;
        assert_eq!(parse_page(body, &ComponentInfo::example(), "q-2"), None);
    }

    #[test]
    fn a_notice_for_the_component_is_accepted() {
        let body = format!(r#"{{"id":"{ID}","name":"c1_echo","type":"C1","version":"1.2.3","since":5}}"#);
        let notice = Notice::parse(body.as_bytes(), &ComponentInfo::example()).unwrap();
        assert_eq!((notice.id.as_str(), notice.version()), (ID, Some("1.2.3")));
        assert_eq!(notice.json["since"], 5);
    }

    #[test]
    fn a_foreign_or_malformed_notice_is_rejected_with_the_reason() {
        for (body, expected) in [
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_other","type":"C1"}"#, "c1_other"),
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_echo","type":"C2"}"#, "type C2"),
            (r#"{"id":"../../etc/passwd","name":"c1_echo","type":"C1"}"#, "24 hexadecimal"),
            (r#"{"name":"c1_echo","type":"C1"}"#, "no string `id`"),
            (r#"{"id":5,"name":"c1_echo","type":"C1"}"#, "no string `id`"),
            (r#"["65a0b1c2d3e4f5061728394a","c1_echo","C1"]"#, "not a JSON object"),
            ("nonsense", "not a JSON object"),
            ("", "not a JSON object"),
        ] {
            let error = Notice::parse(body.as_bytes(), &ComponentInfo::example()).expect_err(body).to_string();
            assert!(error.contains(expected), "{body} gave {error:?}, which does not contain {expected:?}");
        }
        let huge = format!("{{\"id\":\"{}\"}}", "x".repeat(2 * MAX_NOTICE_BYTES));
        assert!(Notice::parse(huge.as_bytes(), &ComponentInfo::example()).is_err());
    }
}
