//! The lines of a watch.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::store::entries::{Invalid, read_object};

/// What a line of a watch means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Event {
    /// The watch began, or nothing happened for some time.
    Quiet,
    /// Keys were changed.
    Change,
    /// The revision from which to watch was compacted.
    Compacted,
    /// The watch was refused or ended.
    Canceled,
}

#[derive(Deserialize)]
struct Message {
    result: Option<Response>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    canceled: bool,
    compact_revision: Option<IgnoredAny>,
    #[serde(default)]
    events: Vec<IgnoredAny>,
}

/// What a line of a watch means.
///
/// # Errors
/// What is wrong with the line.
pub(in crate::store) fn parse(line: &[u8]) -> Result<Event, Invalid> {
    match read_object(line)? {
        Message { error: Some(_), .. } => Ok(Event::Canceled),
        Message { result: Some(response), .. } => Ok(match response {
            Response { compact_revision: Some(_), .. } => Event::Compacted,
            Response { canceled: true, .. } => Event::Canceled,
            Response { events, .. } if events.is_empty() => Event::Quiet,
            Response { .. } => Event::Change,
        }),
        Message { result: None, error: None } => Err(Invalid::Other("a line of a watch without a result")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (line, expected) in [
            (r#"{"result":{"header":{"revision":"3"},"created":true}}"#, Event::Quiet),
            (r#"{"result":{"header":{"revision":"3"}}}"#, Event::Quiet),
            (r#"{"result":{"events":[{"kv":{"key":"YQ=="}}]}}"#, Event::Change),
            (r#"{"result":{"canceled":true,"compact_revision":"9"}}"#, Event::Compacted),
            (r#"{"result":{"created":true,"canceled":true,"cancel_reason":"permission denied"}}"#, Event::Canceled),
            (r#"{"error":{"grpc_code":14,"message":"shutting down"}}"#, Event::Canceled),
        ] {
            assert_eq!(parse(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn other_lines_are_errors() {
        for line in ["", "\n", "<html>", "{}", "[]", r#"{"result":7}"#, r#"{"result":{"events":7}}"#, r#"{"result":"#] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?} was accepted");
        }
    }
}
