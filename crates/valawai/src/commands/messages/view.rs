//! Prints a message.

use std::io;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Body;
use crate::broker::amqp::operator::Received;
use crate::commands::console::{BOLD, Console, DIM, YELLOW};
use crate::hex;

/// How much of a body is printed for people, in characters.
const PRINTED: usize = 2000;

/// A message in JSON. It is the format of `--json`, of exports and of recordings: `headers` and `properties` are those of AMQP; the
/// body is in `body`, and in `hex` if JSON cannot contain it.
#[derive(Debug, Serialize)]
pub(in crate::commands) struct Shown<'m> {
    /// The queue that has it.
    queue: &'m str,
    exchange: &'m str,
    key: &'m str,
    redelivered: bool,
    /// When it was seen, in milliseconds since 1970, if that matters.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<u64>,
    properties: Map<String, Value>,
    headers: Map<String, Value>,
    /// `json`, `cbor`, `text` or `bytes`.
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<ShownBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ShownBody {
    Json(Box<RawValue>),
    Value(Value),
    Text(String),
}

impl<'m> Shown<'m> {
    pub(in crate::commands) fn new(queue: &'m str, message: &'m Received) -> Self {
        let body = Body::decode(message.properties.content_type(), &message.body);
        let format = body.format();
        let hex = matches!(body, Body::Cbor(_) | Body::Bytes).then(|| hex::encode(&message.body));
        let body = match body {
            Body::Json(json) => Some(ShownBody::Json(json)),
            Body::Cbor(value) => Some(ShownBody::Value(value)),
            Body::Text(text) => Some(ShownBody::Text(text)),
            Body::Bytes => None,
        };
        Self {
            queue,
            exchange: &message.exchange,
            key: &message.key,
            redelivered: message.redelivered,
            at_ms: None,
            properties: message.properties.to_json(),
            headers: message.properties.headers(),
            format,
            body,
            hex,
        }
    }
}

/// Prints a message of `queue`: as JSON, or for people with its `number`.
pub(in crate::commands) fn print(console: &Console, number: u64, queue: &str, message: &Received) -> io::Result<()> {
    if console.is_json() {
        return console.object(&Shown::new(queue, message));
    }
    let redelivered = if message.redelivered { console.paint(YELLOW, "  redelivered") } else { String::new() };
    let number = console.paint(BOLD, format!("#{number}"));
    console.line(format!("{number}  key {}{redelivered}", Console::clean(&message.key)))?;
    for (name, values) in [("properties", message.properties.to_json()), ("headers", message.properties.headers())] {
        if !values.is_empty() {
            let values: Vec<String> = values.iter().map(|(name, value)| format!("{name}={}", text_of(value))).collect();
            console.line(format!("  {} {}", console.paint(DIM, name), cut(Console::clean(values.join("  ")))))?;
        }
    }
    let body = Body::decode(message.properties.content_type(), &message.body);
    let kind = console.paint(DIM, format!("{} {} bytes", body.format(), message.body.len()));
    let start = &message.body[..message.body.len().min(PRINTED)];
    console.line(format!("  {kind}  {}", Console::clean(cut(body.to_text(start)))))
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The beginning of a long text, and how to see all of it.
pub(in crate::commands) fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(PRINTED) {
        text.truncate(end);
        text.push_str("… (--json prints all)");
    }
    text
}
