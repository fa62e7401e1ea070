//! Messages that tests publish and receive.

use amiquip::{AmqpProperties, AmqpValue, FieldTable};
use serde_json::Value;

const PERSISTENT: u8 = 2;

/// A message to publish.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The body, any bytes.
    pub body: Vec<u8>,
    /// The AMQP properties.
    pub properties: AmqpProperties,
}

impl Message {
    /// A transient message without any property.
    pub fn bare(body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), properties: AmqpProperties::default() }
    }

    /// A persistent JSON message with its content type, as components send it.
    pub fn json(body: &Value) -> Self {
        Self::bare(body.to_string()).content_type("application/json").persistent()
    }

    /// Makes it persistent.
    pub fn persistent(self) -> Self {
        self.with(|properties| properties.with_delivery_mode(PERSISTENT))
    }

    /// Sets the content type.
    pub fn content_type(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_content_type(value.into()))
    }

    /// Sets the content encoding.
    pub fn content_encoding(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_content_encoding(value.into()))
    }

    /// Sets the message id.
    pub fn message_id(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_message_id(value.into()))
    }

    /// Sets the correlation id.
    pub fn correlation_id(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_correlation_id(value.into()))
    }

    /// Sets where a reply is to be sent.
    pub fn reply_to(self, value: impl Into<String>) -> Self {
        self.with(|properties| properties.with_reply_to(value.into()))
    }

    /// Sets the time to live.
    pub fn expiration(self, milliseconds: u32) -> Self {
        self.with(|properties| properties.with_expiration(milliseconds.to_string()))
    }

    /// Adds a header with a text.
    pub fn header(self, name: &str, value: impl Into<String>) -> Self {
        self.header_value(name, AmqpValue::LongString(value.into()))
    }

    /// Adds a header of any type.
    pub fn header_value(self, name: &str, value: AmqpValue) -> Self {
        let mut headers: FieldTable = self.properties.headers().clone().unwrap_or_default();
        headers.insert(name.to_owned(), value);
        self.with(|properties| properties.with_headers(headers))
    }

    fn with(self, change: impl FnOnce(AmqpProperties) -> AmqpProperties) -> Self {
        Self { properties: change(self.properties), ..self }
    }
}

/// A message that was received from a queue.
#[derive(Debug, Clone)]
pub struct Received {
    /// The body.
    pub body: Vec<u8>,
    /// The AMQP properties.
    pub properties: AmqpProperties,
    /// Whether the broker may have delivered it before.
    pub redelivered: bool,
}

impl Received {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; any other body fails the test.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}): {}", self.text()))
    }

    /// The content type.
    pub fn content_type(&self) -> Option<&str> {
        self.properties.content_type().as_deref()
    }

    /// The message id.
    pub fn message_id(&self) -> Option<&str> {
        self.properties.message_id().as_deref()
    }

    /// The correlation id.
    pub fn correlation_id(&self) -> Option<&str> {
        self.properties.correlation_id().as_deref()
    }

    /// Whether it is persistent.
    pub fn is_persistent(&self) -> bool {
        *self.properties.delivery_mode() == Some(PERSISTENT)
    }

    /// A header of any type.
    pub fn header(&self, name: &str) -> Option<&AmqpValue> {
        self.properties.headers().as_ref()?.get(name)
    }

    /// A header, if it is a text.
    pub fn text_header(&self, name: &str) -> Option<&str> {
        match self.header(name)? {
            AmqpValue::LongString(text) => Some(text),
            _ => None,
        }
    }
}
