//! Why a configuration is invalid.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// What is wrong at one place of a configuration. It contains nothing of the values, because any may be a password by mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The place: `queue_config[0].queue`.
    pub path: String,
    /// What was expected there.
    pub expected: String,
    /// What was found there instead.
    pub found: &'static str,
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, expected: impl Into<String>, found: &'static str) -> Self {
        Self { path: path.into(), expected: expected.into(), found }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: expected {}; found {}", self.path, self.expected, self.found)
    }
}

/// What a value is, without the value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(text) if text.is_empty() => "an empty text",
        Value::String(_) => "another text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
