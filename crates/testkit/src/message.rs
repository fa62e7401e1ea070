//! Messages as a test writes and reads them.

use amiquip::{AmqpProperties, AmqpValue, FieldTable};
use serde_json::Value;

const PERSISTENT: u8 = 2;

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub body: Vec<u8>,
    pub properties: AmqpProperties,
}

impl Message {
    /// Any bytes, transient, with no property at all.
    pub fn bare(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), properties: AmqpProperties::default() }
    }

    /// JSON as components send it: with its content type, persistent.
    pub fn json(body: &Value) -> Self {
        Self::bare(body.to_string()).content_type("application/json").persistent()
    }

    pub fn persistent(self) -> Self {
        self.with(|properties| properties.with_delivery_mode(PERSISTENT))
    }

    pub fn content_type(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_content_type(value.into()))
    }

    pub fn content_encoding(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_content_encoding(value.into()))
    }

    pub fn message_id(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_message_id(value.into()))
    }

    pub fn correlation_id(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_correlation_id(value.into()))
    }

    pub fn expiration(self, milliseconds: u32) -> Self {
        self.with(|properties| properties.with_expiration(milliseconds.to_string()))
    }

    /// A header with a text.
    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        self.header_value(name, AmqpValue::LongString(value.into()))
    }

    /// A header of any kind, nested tables included.
    pub fn header_value(self, name: &str, value: AmqpValue) -> Self {
        let mut headers: FieldTable = self.properties.headers().clone().unwrap_or_default();
        headers.insert(name.to_owned(), value);
        self.with(|properties| properties.with_headers(headers))
    }

    fn with(self, change: impl FnOnce(AmqpProperties) -> AmqpProperties) -> Self {
        Self { properties: change(self.properties), ..self }
    }
}

/// A message that was taken from a queue.
#[derive(Debug, Clone)]
pub struct Received {
    pub body: Vec<u8>,
    pub properties: AmqpProperties,
    pub redelivered: bool,
}

impl Received {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }

    pub fn content_type(&self) -> Option<&str> {
        self.properties.content_type().as_deref()
    }

    pub fn message_id(&self) -> Option<&str> {
        self.properties.message_id().as_deref()
    }

    pub fn correlation_id(&self) -> Option<&str> {
        self.properties.correlation_id().as_deref()
    }

    pub fn is_persistent(&self) -> bool {
        *self.properties.delivery_mode() == Some(PERSISTENT)
    }

    pub fn header(&self, name: &str) -> Option<&AmqpValue> {
        self.properties.headers().as_ref()?.get(name)
    }

    /// A header with a text.
    pub fn text_header(&self, name: &str) -> Option<&str> {
        match self.header(name)? {
            AmqpValue::LongString(text) => Some(text),
            _ => None,
        }
    }
}
