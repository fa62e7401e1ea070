//! An entry of the log.

use std::fmt;

use serde::Serialize;

use crate::failure::Failure;
use crate::logs::context::{self, Captured};

/// The longest payload, in bytes. The MOV stores each in a document of its database; a longer one is cut.
const LONGEST_PAYLOAD: usize = 256 * 1024;

/// The severity of an entry, as the MOV names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// An ordinary event.
    Info,
    /// A detail that helps to find a fault.
    Debug,
}

impl Severity {
    /// The level in the component's own log, and of `LOG_MOV_LEVEL`.
    #[must_use]
    pub fn level(self) -> log::Level {
        match self {
            Self::Error => log::Level::Error,
            Self::Warn => log::Level::Warn,
            Self::Info => log::Level::Info,
            Self::Debug => log::Level::Debug,
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The severity.
    pub severity: Severity,
    /// What happened.
    pub message: String,
    /// What it happened to, as JSON.
    pub payload: Option<String>,
    /// The message that was handled when the entry was made, for the component's own log.
    pub(crate) context: Option<Captured>,
}

impl Entry {
    /// An entry with `payload` as JSON, which is cut if it is very long.
    pub fn new(severity: Severity, message: impl fmt::Display, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_string(payload).ok().map(shorten);
        Self { payload, ..Self::plain(severity, message.to_string()) }
    }

    /// An entry without a payload.
    pub(crate) fn plain(severity: Severity, message: String) -> Self {
        Self { severity, message, payload: None, context: context::capture() }
    }

    /// An entry about a failure, without a payload: a warning if a later attempt may succeed, otherwise an error.
    pub(crate) fn about(failure: &Failure, message: String) -> Self {
        let severity = match failure {
            Failure::Retry(_) => Severity::Warn,
            Failure::Refuse(_) => Severity::Error,
        };
        Self::plain(severity, message)
    }

    pub(super) fn size(&self) -> usize {
        self.message.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

fn shorten(text: String) -> String {
    if text.len() <= LONGEST_PAYLOAD {
        return text;
    }
    let start = &text[..text.floor_char_boundary(LONGEST_PAYLOAD)];
    serde_json::Value::from(format!("{start}… ({} bytes in all)", text.len())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_payload_is_cut_and_remains_json() {
        let entry = Entry::new(Severity::Info, "long", &"é".repeat(LONGEST_PAYLOAD));
        let payload = entry.payload.unwrap();
        assert!(payload.len() < 2 * LONGEST_PAYLOAD);
        let text: String = serde_json::from_str(&payload).unwrap();
        assert!(text.ends_with(&format!("({} bytes in all)", 2 * LONGEST_PAYLOAD + 2)), "{}", &text[text.len() - 40..]);
    }
}
