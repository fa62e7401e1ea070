//! Decodes the bodies of messages for the MOV's queues.

use crate::json::{self, Json};

#[derive(Debug)]
pub(super) enum Body {
    Object(Json),
    /// The literal `null`.
    Null,
    /// Anything else; with the reason.
    Poison(String),
}

impl Body {
    /// Only JSON objects that are declared as JSON, without a content encoding, are accepted.
    pub(super) fn decode(content_type: Option<&str>, content_encoding: Option<&str>, body: &[u8]) -> Self {
        if !content_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json")) {
            return Self::Poison(format!("content type {}", content_type.unwrap_or("missing")));
        }
        if let Some(encoding) = content_encoding {
            return Self::Poison(format!("content encoding {encoding:?}"));
        }
        match json::read(body) {
            Ok(object @ Json::Object(_)) => Self::Object(object),
            Ok(Json::Null) => Self::Null,
            Ok(_) => Self::Poison("JSON, but not an object".to_owned()),
            Err(reason) => Self::Poison(reason),
        }
    }
}
