//! Reads messages that were written as [`Shown`](super::Shown): exports and recordings.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::broker::amqp::operator::MessageProperties;

/// A recorded message.
#[derive(Debug, Deserialize)]
pub(in crate::commands) struct Recorded {
    /// The queue from which it was read, or the channel on which it was seen.
    #[serde(alias = "source")]
    pub(in crate::commands) queue: String,
    /// When it was seen, in milliseconds since 1970.
    pub(in crate::commands) at_ms: Option<u64>,
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    properties: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    format: String,
    body: Option<Box<RawValue>>,
    hex: Option<String>,
}

impl Recorded {
    /// Parses a line of a recording.
    pub(in crate::commands) fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// Its properties, with which it is published again.
    pub(in crate::commands) fn properties(&self) -> MessageProperties {
        let properties = MessageProperties::from_json(&self.properties, &self.headers).forwarded();
        match &self.message_id {
            Some(id) if properties.message_id().is_none() => properties.with_message_id(id),
            _ => properties,
        }
    }

    /// Its body, byte for byte, except for white space between the tokens of JSON.
    pub(in crate::commands) fn body(&self) -> Result<Vec<u8>, String> {
        if let Some(hex) = &self.hex {
            return crate::hex::decode(hex).ok_or_else(|| "`hex` is not hexadecimal digits".to_owned());
        }
        let body = self.body.as_ref().ok_or("there is neither a `body` nor `hex`")?.get();
        // Copies of messages that say no format have their body as a text, whatever it is.
        if self.format == "text" || self.format.is_empty() && body.starts_with('"') {
            return serde_json::from_str::<String>(body).map(String::into_bytes).map_err(|error| error.to_string());
        }
        Ok(body.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::amqp::operator::Received;
    use crate::commands::messages::Shown;

    #[test]
    fn what_is_shown_is_read_again() {
        let properties = MessageProperties::persistent("x/y").with_message_id("m-1").with_header("kind", "é\u{1b}");
        for body in
            [&b"{\"n\":1.10,\"t\":\"\\u001b\"}"[..], b"[5]", b"a text", b"\"a text\"", b"\xff\0", b"\xa1\x61a\x01", b""]
        {
            let (exchange, key) = (String::new(), "k".to_owned());
            let properties = properties.clone();
            let message = Received { tag: 1, exchange, key, redelivered: false, properties, body: body.to_vec() };
            let line = serde_json::to_string(&Shown::new("q", &message)).unwrap();
            let recorded = Recorded::parse(&line).unwrap();
            assert_eq!(recorded.body().as_deref(), Ok(body), "the body of {line}");
            assert_eq!(recorded.properties(), message.properties, "the properties of {line}");
            assert_eq!((&*recorded.queue, recorded.at_ms), ("q", None));
        }
    }

    #[test]
    fn a_copy_of_a_message_is_read() {
        let copy = r#"{"what": "received", "source": "q", "at_ms": 5, "message_id": "m-1", "body": "{\"a\": 1.10}"}"#;
        let recorded = Recorded::parse(copy).unwrap();
        assert_eq!(recorded.body().unwrap(), br#"{"a": 1.10}"#);
        assert_eq!((&*recorded.queue, recorded.at_ms, recorded.properties().message_id()), ("q", Some(5), Some("m-1")));
    }

    #[test]
    fn a_line_without_a_body_or_a_queue_is_rejected() {
        for line in ["", "{}", "[]", r#"{"queue": 5}"#] {
            assert!(Recorded::parse(line).is_err(), "{line} was accepted");
        }
        for line in
            [r#"{"queue": "q"}"#, r#"{"queue": "q", "hex": "0"}"#, r#"{"queue": "q", "format": "text", "body": 5}"#]
        {
            assert!(Recorded::parse(line).unwrap().body().is_err(), "{line} has a body");
        }
    }
}
