//! What the body of a message is: JSON, CBOR, text, or bytes.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::hex;
use crate::payload::{self, Shape};

/// The content type of CBOR.
pub(in crate::commands) const CBOR: &str = "application/cbor";

/// A decoded body.
#[derive(Debug)]
pub(in crate::commands) enum Body {
    /// JSON in one line, with all its digits.
    Json(Box<RawValue>),
    /// CBOR, as JSON.
    Cbor(Value),
    /// UTF-8.
    Text(String),
    /// Anything else.
    Bytes,
}

impl Body {
    /// Decodes `body`. Whatever is not UTF-8 is tried as CBOR: its maps and arrays never are UTF-8.
    pub(in crate::commands) fn decode(content_type: Option<&str>, body: &[u8]) -> Self {
        if content_type == Some(CBOR)
            && let Some(value) = decode_cbor(body)
        {
            return Self::Cbor(value);
        }
        if let Shape::Object(json) | Shape::OtherJson(json) = payload::shape(body)
            && let Ok(json) = RawValue::from_string(in_one_line(json.get()))
        {
            return Self::Json(json);
        }
        match str::from_utf8(body) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => decode_cbor(body).map_or(Self::Bytes, Self::Cbor),
        }
    }

    /// The name of its format.
    pub(in crate::commands) fn format(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Cbor(_) => "cbor",
            Self::Text(_) => "text",
            Self::Bytes => "bytes",
        }
    }

    /// The body in one text; `bytes` are what is shown if it has no other.
    pub(in crate::commands) fn to_text(&self, bytes: &[u8]) -> String {
        match self {
            Self::Json(json) => json.get().to_owned(),
            Self::Cbor(value) => value.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes => hex::encode(bytes),
        }
    }

    /// Its value, if it has fields that can be compared.
    pub(in crate::commands) fn value(&self) -> Option<Value> {
        match self {
            Self::Json(json) => serde_json::from_str(json.get()).ok(),
            Self::Cbor(value) => Some(value.clone()),
            Self::Text(text) => Some(text.as_str().into()),
            Self::Bytes => None,
        }
    }
}

/// JSON as CBOR.
pub(in crate::commands) fn to_cbor(json: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    ciborium::into_writer(json, &mut body).expect("JSON is valid CBOR, and writing to memory does not fail");
    body
}

/// JSON without white space between its tokens, which may be line breaks.
fn in_one_line(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        let is_space = !in_text && matches!(character, ' ' | '\t' | '\n' | '\r');
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
        !is_space
    };
    json.chars().filter(is_kept).collect()
}

fn decode_cbor(mut body: &[u8]) -> Option<Value> {
    let value: ciborium::Value = ciborium::from_reader(&mut body).ok()?;
    body.is_empty().then(|| to_json(value))
}

fn to_json(value: ciborium::Value) -> Value {
    match value {
        ciborium::Value::Bool(value) => value.into(),
        ciborium::Value::Integer(value) => {
            let value = i128::from(value);
            let small = i64::try_from(value).map(Value::from).or_else(|_| u64::try_from(value).map(Value::from));
            small.unwrap_or_else(|_| value.to_string().into())
        }
        ciborium::Value::Float(value) => value.into(),
        ciborium::Value::Text(text) => text.into(),
        ciborium::Value::Bytes(bytes) => hex::encode(&bytes).into(),
        ciborium::Value::Array(values) => values.into_iter().map(to_json).collect(),
        ciborium::Value::Map(entries) => {
            let name = |key| match key {
                ciborium::Value::Text(text) => text,
                other => to_json(other).to_string(),
            };
            entries.into_iter().map(|(key, value)| (name(key), to_json(value))).collect::<Map<_, _>>().into()
        }
        ciborium::Value::Tag(_, value) => to_json(*value),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_format_of_a_body_is_found_without_a_content_type() {
        let mut cbor = Vec::new();
        ciborium::into_writer(&json!({"content": [1, -2, 0.5, null, true]}), &mut cbor).unwrap();
        for (body, format) in [
            (&b"{}"[..], "json"),
            (b" [1] ", "json"),
            (&cbor, "cbor"),
            (b"hello", "text"),
            (b"\xff\0", "bytes"),
            (b"", "text"),
        ] {
            assert_eq!(Body::decode(None, body).format(), format, "{body:?}");
        }
        assert_eq!(Body::decode(None, &cbor).value(), Some(json!({"content": [1, -2, 0.5, null, true]})));
        assert_eq!(Body::decode(Some(CBOR), b"\x05").value(), Some(json!(5)), "the content type tells");
    }

    #[test]
    fn json_becomes_one_line_and_keeps_its_digits_and_texts() {
        let body = b"{\n  \"a b\": \"c \\\" d\\n\",\r\n\t\"n\": 1.10000000000000000000000000001 }";
        let Body::Json(json) = Body::decode(None, body) else { panic!("it is JSON") };
        assert_eq!(json.get(), r#"{"a b":"c \" d\n","n":1.10000000000000000000000000001}"#);
    }

    #[test]
    fn hostile_cbor_is_bytes() {
        // A byte string of 2^63 bytes, and arrays nested without an end.
        for body in [b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), vec![0x9f; 1_000_000]] {
            assert_eq!(Body::decode(Some(CBOR), &body).format(), "bytes");
        }
    }
}
