//! Messages: what a component consumes, what it replies, and what the brokers transport.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::failure::Failure;
use crate::payload::{self, Shape};
use crate::trace::Trace;

/// A delivered message. Its body is untrusted: nothing is known about it until it is [read](Self::read).
///
/// ```
/// use serde::Deserialize;
/// use valawai::{Failure, Message};
///
/// #[derive(Deserialize)]
/// struct Greeting<'m> { content: &'m str }
///
/// let message = Message::from(r#"{"content": "hello"}"#);
/// assert_eq!(message.read::<Greeting>()?.content, "hello");
/// assert!(!message.redelivered());
/// assert!(matches!(Message::from("[1]").read::<Greeting>(), Err(Failure::Refuse(_))));
/// # Ok::<(), Failure>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The body: JSON, if the sender followed the rules of the platform.
    pub body: Vec<u8>,
    /// The properties that the kit uses.
    pub properties: Properties,
}

impl Message {
    /// Deserializes the body, which must be a JSON object. Unknown fields are ignored. `T` may borrow from the body. See the
    /// example of [`Message`].
    ///
    /// # Errors
    /// [`Failure::Refuse`] if the body is not a JSON object or does not match `T`.
    pub fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Failure> {
        payload::read(&self.body)
    }

    /// Whether the broker delivered the message before, and it was not acknowledged: because its reply was rejected, or because
    /// the process that received it stopped or lost its connection. What was published for it then may have arrived. Retries
    /// count as new messages. See the example of [`Message`].
    #[must_use]
    pub fn redelivered(&self) -> bool {
        self.properties.redelivered
    }
}

/// The body as it was delivered: as JSON if it is JSON, otherwise as a string. For logs.
impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Body(&self.body).serialize(serializer)
    }
}

/// A body: as JSON if it is JSON, otherwise as a string.
pub(crate) struct Body<'b>(pub(crate) &'b [u8]);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match payload::shape(self.0) {
            Shape::Object(json) | Shape::OtherJson(json) => json.serialize(serializer),
            Shape::NotJson(_) => String::from_utf8_lossy(self.0).serialize(serializer),
        }
    }
}

/// A message with this body and no properties, for tests.
impl From<&str> for Message {
    fn from(body: &str) -> Self {
        Self { body: body.into(), properties: Properties::default() }
    }
}

/// The properties of a message that the kit uses. Replies inherit them.
///
/// ```
/// use valawai::{Message, Properties, TestContext};
///
/// let properties = Properties { attempts: 2, message_id: Some("7".into()), ..Properties::default() };
/// let context = TestContext::new(Message { body: b"{}".to_vec(), properties });
/// assert_eq!(context.message().properties.attempts, 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Identifies the message: duplicates carry the same identifier.
    pub message_id: Option<String>,
    /// The request that this message replies to.
    pub correlation_id: Option<String>,
    /// The queue to which the sender of a request wants the reply, in addition to the output of the component.
    pub reply_to: Option<String>,
    /// The conversation it belongs to: a header of the platform's services.
    pub conversation_id: Option<String>,
    /// The trace it belongs to: the headers `traceparent` and `tracestate` of W3C Trace Context. When a handler is called, this is
    /// the span in which it runs.
    pub trace: Option<Box<Trace>>,
    /// How many attempts to process it failed before this one.
    pub attempts: u32,
    /// Whether it was delivered before and not acknowledged.
    pub redelivered: bool,
    /// How many deliveries of it a quorum queue counted before this one; 0 on other queues. At its limit the queue drops the
    /// message.
    pub deliveries: u32,
    /// The milliseconds of its header `x-delay`, if it was not delayed yet.
    pub delay_ms: Option<u32>,
}

/// The body of a message to publish: a JSON object that components in every language, and the MOV, can parse.
///
/// ```
/// use serde_json::json;
/// use valawai::Reply;
///
/// assert_eq!(Reply::json(&json!({ "words": 3 }))?.body(), br#"{"words":3}"#);
/// assert!(Reply::json(&[1, 2]).is_err(), "an array is not an object");
/// # Ok::<(), valawai::Failure>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(Vec<u8>);

impl Reply {
    /// Serializes `value`. See the example of [`Reply`].
    ///
    /// # Errors
    /// [`Failure::Refuse`] if the JSON is not an object, is too large, or is nested too deeply.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        payload::write(value).map(Self)
    }

    /// The JSON text. See the example of [`Reply`].
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.0
    }
}

/// A message to publish: to the queue `to`, or to an exchange with the routing key `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The exchange; the default exchange if there is none.
    pub exchange: Option<Arc<str>>,
    /// The name of the queue, or the routing key.
    pub to: Arc<str>,
    /// A JSON object, encoded in UTF-8.
    pub body: Vec<u8>,
    /// The properties.
    pub properties: Properties,
    /// Whether the message survives a restart of the broker.
    pub persistent: bool,
    /// Whether the broker returns the message if the queue does not exist, instead of dropping it.
    pub mandatory: bool,
    /// The time to live in the queue, in milliseconds. `None` means no limit.
    pub expires_after_ms: Option<u32>,
    /// A header with this text, called `status`: the outcome of a request.
    pub status: Option<&'static str>,
}

impl Outgoing {
    /// A persistent, mandatory message for the queue `to`.
    #[must_use]
    pub fn new(to: impl Into<Arc<str>>, body: Vec<u8>) -> Self {
        let properties = Properties::default();
        let to = to.into();
        Self {
            exchange: None,
            to,
            body,
            properties,
            persistent: true,
            mandatory: true,
            expires_after_ms: None,
            status: None,
        }
    }
}
