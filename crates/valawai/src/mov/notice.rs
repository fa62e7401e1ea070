//! What the MOV says of a registration: in a `registered` notice, on a page of components, and over REST.

use serde::Deserialize;
use serde_json::Value;

use super::component_info::ComponentInfo;
use crate::asyncapi::Direction;
use crate::name::ComponentId;

/// The largest notice that is read, in bytes; a real one has a few thousand.
const LARGEST_NOTICE: usize = 1024 * 1024;

/// The MOV's word that a component is registered, as far as it was checked.
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

impl Notice {
    /// Reads `body`. Anybody can write to our queue, so nothing in it is believed without a check.
    ///
    /// # Errors
    /// When it is no notice, or is not for `info`.
    pub fn parse(body: &[u8], info: &ComponentInfo) -> Result<Self, NoticeError> {
        if body.len() > LARGEST_NOTICE {
            return Err(NoticeError::Malformed(format!("it has {} bytes", body.len())));
        }
        let whole = crate::payload::read(body).map_err(|error| NoticeError::Malformed(error.to_string()))?;
        Self::from_json(whole, info)
    }

    /// Reads `whole`, as it stands on a page.
    ///
    /// # Errors
    /// When it is no notice, or is not for `info`.
    pub fn from_json(whole: Value, info: &ComponentInfo) -> Result<Self, NoticeError> {
        let text = |field: &str| {
            let found = whole.get(field).and_then(Value::as_str);
            found.ok_or_else(|| NoticeError::Malformed(format!("it has no text `{field}`")))
        };
        let (name, level) = (text("name")?, text("type")?);
        if name != info.name || level != info.level.upper() {
            return Err(NoticeError::Foreign { name: brief(name), level: brief(level) });
        }
        let id =
            text("id")?.parse().map_err(|error: crate::name::NameError| NoticeError::Malformed(error.to_string()))?;
        Ok(Self { id, whole })
    }

    /// The version that was registered.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.whole.get("version")?.as_str()
    }

    /// The channels that were registered, with their directions where the MOV could read a schema.
    pub fn channels(&self) -> impl Iterator<Item = (&str, Option<Direction>)> {
        let channels = self.whole.get("channels").and_then(Value::as_array);
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

/// The live registrations of `info`'s name that `body`, a page, tells of, if it answers the question `query_id`.
#[must_use]
pub fn registrations_in(body: &[u8], info: &ComponentInfo, query_id: &str) -> Option<Vec<Notice>> {
    #[derive(Deserialize)]
    struct Page {
        query_id: String,
        #[serde(default)]
        components: Vec<Value>,
    }

    let page: Page = crate::payload::read(body).ok()?;
    // The MOV finds by name or description, so others may be among them.
    let own = page.components.into_iter().filter_map(|component| Notice::from_json(component, info).ok());
    (page.query_id == query_id).then(|| own.collect())
}

fn brief(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "65a0b1c2d3e4f5061728394a";

    #[test]
    fn a_page_tells_of_the_registrations_of_our_name_if_it_answers_us() {
        let other = "75a0b1c2d3e4f5061728394a";
        let body = format!(
            r#"{{"components":[
                {{"id":"{ID}","name":"c1_echo","type":"C1","channels":[{{"subscribe":{{"type":"OBJECT","type":"OBJECT"}}}}]}},
                {{"id":"{other}","name":"c1_other","type":"C1"}}],"total":2,"query_id":"q-1"}}"#
        );
        let read = |query_id| registrations_in(body.as_bytes(), &ComponentInfo::example(), query_id);
        let ids: Vec<ComponentId> = read("q-1").unwrap().into_iter().map(|notice| notice.id).collect();
        assert_eq!(ids, [ID.parse().unwrap()]);
        assert_eq!(read("q-2"), None, "it is somebody else's answer");
        assert_eq!(
            registrations_in(br#"{"query_id":"q-1","total":0}"#, &ComponentInfo::example(), "q-1"),
            Some(Vec::new())
        );
    }

    #[test]
    fn a_notice_of_ours_is_read() {
        let body = format!(r#"{{"id":"{ID}","name":"c1_echo","type":"C1","version":"1.2.3","since":5}}"#);
        let notice = Notice::parse(body.as_bytes(), &ComponentInfo::example()).unwrap();
        assert_eq!((notice.id.as_str(), notice.version()), (ID, Some("1.2.3")));
        assert_eq!(notice.whole["since"], 5);
    }

    #[test]
    fn a_foreign_or_malformed_notice_is_refused_with_the_reason() {
        for (body, expected) in [
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_other","type":"C1"}"#, "c1_other"),
            (r#"{"id":"65a0b1c2d3e4f5061728394a","name":"c1_echo","type":"C2"}"#, "type C2"),
            (r#"{"id":"../../etc/passwd","name":"c1_echo","type":"C1"}"#, "24 hexadecimal"),
            (r#"{"name":"c1_echo","type":"C1"}"#, "no text `id`"),
            (r#"{"id":5,"name":"c1_echo","type":"C1"}"#, "no text `id`"),
            (r#"["65a0b1c2d3e4f5061728394a","c1_echo","C1"]"#, "not a JSON object"),
            ("nonsense", "not a JSON object"),
            ("", "not a JSON object"),
        ] {
            let error = Notice::parse(body.as_bytes(), &ComponentInfo::example()).expect_err(body).to_string();
            assert!(error.contains(expected), "{body} gave {error:?}, without {expected:?}");
        }
        let huge = format!("{{\"id\":\"{}\"}}", "x".repeat(2 * LARGEST_NOTICE));
        assert!(Notice::parse(huge.as_bytes(), &ComponentInfo::example()).is_err());
    }
}
