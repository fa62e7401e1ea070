//! A text that is passed on as it came.

use memchr::memchr;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A text of a JSON message, borrowed from it where it has no escapes. Such a text is written again as it came, while for
/// any other type each byte is looked at for what must be escaped: for large messages that is most of the work.
///
/// Give its field `#[serde(borrow)]`. Like any borrowed JSON it cannot stand under `#[serde(flatten)]`, nor in an untagged
/// enum.
#[derive(Debug)]
pub struct Text<'t>(Content<'t>);

#[derive(Debug)]
enum Content<'t> {
    /// In its quotes, without an escape.
    AsItCame(&'t RawValue),
    /// Without quotes, and with what the escapes mean.
    Unescaped(String),
}

impl Text<'_> {
    /// What the text says.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Content::AsItCame(quoted) => {
                let quoted = quoted.get();
                &quoted[1..quoted.len() - 1]
            }
            Content::Unescaped(text) => text,
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Content::Unescaped(text))
    }
}

impl<'de: 't, 't> Deserialize<'de> for Text<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = <&RawValue>::deserialize(deserializer)?;
        let is_plain = json.get().starts_with('"') && memchr(b'\\', json.get().as_bytes()).is_none();
        if is_plain {
            return Ok(Self(Content::AsItCame(json)));
        }
        let text = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        Ok(Self(Content::Unescaped(text)))
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Content::AsItCame(quoted) => quoted.serialize(serializer),
            Content::Unescaped(text) => text.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Text<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_text_without_escapes_is_borrowed_and_written_as_it_came() {
        for json in [r#""""#, r#""hello""#, r#"  "grüß dich / 你好 '" "#] {
            let text = read(json);
            assert!(matches!(text.0, Content::AsItCame(_)), "{json} was copied");
            assert_eq!(text.as_str(), serde_json::from_str::<String>(json).unwrap());
            assert_eq!(serde_json::to_string(&text).unwrap(), json.trim());
        }
    }

    #[test]
    fn a_text_with_escapes_says_what_they_mean() {
        let text = read(r#""a\n\"\u00e9\ud83d\ude00""#);
        assert_eq!(text.as_str(), "a\n\"é😀");
        assert_eq!(serde_json::to_string(&text).unwrap(), r#""a\n\"é😀""#);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for json in ["5", "null", "[]", r#"["a"]"#, r#"{"a":1}"#, r#""\ud83d""#, r#""\x""#, "\"a\nb\"", "\"a"] {
            assert!(serde_json::from_str::<Text<'_>>(json).is_err(), "{json} was read");
        }
    }
}
