//! What goes into a handler, and what comes out of it.

use serde::{Deserialize, Serialize, Serializer};

use crate::failure::Failure;
use crate::message::{Message, Properties};
use crate::payload::{self, Shape};

/// A message that was heard. Its body is untrusted, and is only read when the handler does so.
#[derive(Debug)]
pub struct Heard<'m> {
    channel: &'m str,
    message: Message,
}

impl<'m> Heard<'m> {
    /// `message`, heard on `channel`, as in `data/received_message`.
    #[must_use]
    pub fn new(channel: &'m str, message: Message) -> Self {
        Self { channel, message }
    }

    /// The channel that it was heard on, as in `data/received_message`.
    #[must_use]
    pub fn channel(&self) -> &str {
        self.channel
    }

    /// The body, whatever it is.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.message.body
    }

    /// What came with it.
    #[must_use]
    pub fn properties(&self) -> &Properties {
        &self.message.properties
    }

    pub(crate) fn into_message(self) -> Message {
        self.message
    }

    /// The body as a `T`, which may borrow from it. Unknown fields are ignored.
    ///
    /// # Errors
    /// [`Failure::Refuse`] when it is not a JSON object, or not a `T`.
    pub fn read<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Failure> {
        payload::read(self.body())
    }
}

/// As it came, for the log: the JSON text itself, or a text if it is none.
impl Serialize for Heard<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match payload::shape(self.body()) {
            Shape::Object(json) | Shape::OtherJson(json) => {
                let json: &serde_json::value::RawValue =
                    serde_json::from_str(json).map_err(serde::ser::Error::custom)?;
                json.serialize(serializer)
            }
            Shape::NotJson(_) => String::from_utf8_lossy(self.body()).serialize(serializer),
        }
    }
}

/// For tests of handlers.
impl From<&str> for Heard<'static> {
    fn from(body: &str) -> Self {
        Self::new("data/test", Message { body: body.into(), properties: Properties::default() })
    }
}

/// A body to be said: a JSON object that every component can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(Vec<u8>);

impl Said {
    /// `value` as JSON.
    ///
    /// # Errors
    /// [`Failure::Refuse`] when it does not come out as an object, is too large, or is nested too deeply.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        payload::write(value).map(Self)
    }

    /// The JSON text.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_body(self) -> Vec<u8> {
        self.0
    }
}
