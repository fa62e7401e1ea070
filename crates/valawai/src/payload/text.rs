//! A string that keeps its JSON.

use std::fmt;
use std::ops::Deref;

use memchr::memchr;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A string that is serialized as it was deserialized. It is used like a [`String`], and is faster for large texts: a
/// `String` is scanned for characters to escape, byte by byte, each time it is serialized.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use valawai::{Message, Reply, Text};
///
/// #[derive(Deserialize, Serialize)]
/// struct Echo { content: Text }
///
/// let echo: Echo = Message::from(r#"{"content":"hello"}"#).read()?;
/// assert_eq!(echo.content.as_str(), "hello");
/// assert!(echo.content.starts_with("he"));
/// assert_eq!(Reply::json(&echo)?.body(), br#"{"content":"hello"}"#);
/// # Ok::<(), valawai::Failure>(())
/// ```
///
/// As every type that keeps raw JSON, it does not work below `#[serde(flatten)]` or in an untagged enum.
#[derive(Clone)]
pub struct Text(Content);

#[derive(Clone)]
enum Content {
    /// The JSON string, with its quotes and without escapes.
    Verbatim(Box<RawValue>),
    /// The text itself.
    Unescaped(String),
}

impl Text {
    /// The text. See the example of [`Text`].
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Content::Verbatim(json) => {
                let quoted = json.get();
                &quoted[1..quoted.len() - 1]
            }
            Content::Unescaped(text) => text,
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Content::Unescaped(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let has_no_escapes = json.get().starts_with('"') && memchr(b'\\', json.get().as_bytes()).is_none();
        if has_no_escapes {
            return Ok(Self(Content::Verbatim(json)));
        }
        let text = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        Ok(Self(Content::Unescaped(text)))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Content::Verbatim(json) => json.serialize(serializer),
            Content::Unescaped(text) => text.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Text {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_text_without_escapes_is_written_as_it_was_read() {
        for json in [r#""""#, r#""hello""#, r#"  "grüß dich / 你好 '" "#] {
            let text = read(json);
            assert!(matches!(text.0, Content::Verbatim(_)), "{json} was unescaped");
            assert_eq!(text.as_str(), serde_json::from_str::<String>(json).unwrap());
            assert_eq!(serde_json::to_string(&text).unwrap(), json.trim());
        }
    }

    #[test]
    fn escapes_are_decoded() {
        let text = read(r#""a\n\"\u00e9\ud83d\ude00""#);
        assert_eq!(text.as_str(), "a\n\"é😀");
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""a\n\"é😀""#);
    }

    #[test]
    fn json_that_is_not_a_string_is_rejected() {
        for json in ["5", "null", "[]", r#"["a"]"#, r#"{"a":1}"#, r#""\ud83d""#, r#""\x""#, "\"a\nb\"", "\"a"] {
            assert!(serde_json::from_str::<Text>(json).is_err(), "{json} was read");
        }
    }
}
