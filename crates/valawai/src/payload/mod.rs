//! The rules for payloads, in both directions.
//!
//! Components in other languages read what is published here, and the MOV stops forwarding a channel at the first body
//! that is not a strict JSON object. Nothing else is published.

pub mod de;
mod text;

use memchr::memchr2_iter;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use text::Text;

use crate::failure::Failure;

/// The largest body that is published, in bytes: the default limit of RabbitMQ 4.
pub const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The deepest nesting that the MOV's parser accepts.
const DEEPEST_NESTING: usize = 1000;

/// What a body is.
#[derive(Debug, Clone)]
pub enum Shape<'b> {
    /// A JSON object.
    Object(&'b RawValue),
    /// Other JSON.
    OtherJson(&'b RawValue),
    /// Not JSON, with the reason.
    NotJson(String),
}

/// Finds out what `body` is.
#[must_use]
pub fn shape(body: &[u8]) -> Shape<'_> {
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(value) if is_object(body) => Shape::Object(value),
        Ok(value) => Shape::OtherJson(value),
        Err(error) => Shape::NotJson(error.to_string()),
    }
}

/// Deserializes `body`, which must be a JSON object.
///
/// # Errors
/// [`Failure::Refuse`] if it is not a JSON object or does not match `T`.
pub fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Failure> {
    // serde would also deserialize a struct from an array.
    if !is_object(body) {
        return Err(Failure::refuse("the message is not a JSON object"));
    }
    // serde_json validates the UTF-8 of the fields of `T` only.
    let text = str::from_utf8(body).map_err(Failure::refuse)?;
    serde_json::from_str(text).map_err(Failure::refuse)
}

/// Serializes `value`, which must result in a JSON object that every component can read.
///
/// # Errors
/// [`Failure::Refuse`] if the JSON is not an object, is larger than [`LARGEST_BODY`], or is nested too deeply for the MOV.
pub fn write(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    let body = serde_json::to_vec(value).map_err(Failure::refuse)?;
    if !is_object(&body) {
        return Err(Failure::refuse("the reply is not a JSON object"));
    }
    if body.len() > LARGEST_BODY {
        return Err(Failure::refuse(format!("the reply has {} bytes; the limit is {LARGEST_BODY}", body.len())));
    }
    if is_too_deep(&body) {
        return Err(Failure::refuse(format!("the reply is nested deeper than {DEEPEST_NESTING} levels")));
    }
    Ok(body)
}

fn is_object(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Whether JSON is nested more deeply than others can parse.
pub(crate) fn is_too_deep(json: &[u8]) -> bool {
    // Counting brackets is much faster than parsing, and few bodies have that many.
    memchr2_iter(b'{', b'[', json).nth(DEEPEST_NESTING).is_some() && nesting(json) > DEEPEST_NESTING
}

/// The nesting of JSON.
fn nesting(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            // It may be more than were opened: not everything that is looked at is valid.
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, Serialize)]
    struct Note {
        #[serde(deserialize_with = "de::non_empty")]
        text: Text,
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let body = br#"{"a":[5.5555555575555555e+45,0.1]}"#;
        let value: serde_json::Value = read(body).unwrap();
        assert_eq!(String::from_utf8(write(&value).unwrap()).unwrap(), String::from_utf8_lossy(body));
    }

    #[test]
    fn bodies_that_do_not_match_are_refused() {
        for body in [
            &b""[..],
            b"null",
            b"[\"hello\"]",
            b"\"hello\"",
            b"{\"text\": \"\"}",
            b"{\"text\": \"hello\", \"other\": \"\xff\"}",
            b"{\"text\": 5}",
            b"{\"text\": NaN}",
            b"{\"text\": \"a",
            b"{\"text\": \"\xff\"}",
            b"{}",
        ] {
            let read = read::<Note>(body);
            assert!(matches!(read, Err(Failure::Refuse(_))), "{} was read", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn the_shape_distinguishes_objects_other_json_and_anything_else() {
        assert!(matches!(shape(b" {\"a\": 1} "), Shape::Object(json) if json.get() == "{\"a\": 1}"));
        assert!(matches!(shape(b"[1]"), Shape::OtherJson(json) if json.get() == "[1]"));
        assert!(matches!(shape(b"{\"a\": NaN}"), Shape::NotJson(_)));
        assert!(matches!(shape(b"\"\xff\""), Shape::NotJson(_)));
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert!(matches!(shape(&deep), Shape::OtherJson(_)), "a hundred thousand levels are valid JSON");
    }

    #[test]
    fn only_objects_that_the_mov_can_parse_are_written() {
        assert_eq!(write(&serde_json::json!({"a": 1})).unwrap(), b"{\"a\":1}");
        assert!(write(&[1]).is_err(), "an array would stop the MOV's forwarding");
        let nested = |levels| format!("{{\"a\":{}\"[[\\\"[\"{}}}", "[".repeat(levels), "]".repeat(levels));
        let just_allowed = RawValue::from_string(nested(DEEPEST_NESTING - 1)).unwrap();
        assert!(write(&just_allowed).is_ok());
        let too_deep = RawValue::from_string(nested(DEEPEST_NESTING)).unwrap();
        assert!(write(&too_deep).is_err(), "the MOV's parser accepts {DEEPEST_NESTING} levels");
        let too_large = Note { text: "x".repeat(LARGEST_BODY).into() };
        assert!(write(&too_large).is_err());
    }
}
