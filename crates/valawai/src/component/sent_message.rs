//! What C2 components receive: messages that were sent from one component to another.

use serde::Deserialize;

use crate::name::Id;

/// A message that the MOV forwarded from one component to another, as it notifies C2 components of it.
///
/// `T` is the payload, with the fields that the `asyncapi.yaml` of the C2 component declares for `message_payload`. The
/// MOV notifies of the messages whose fields are all declared there.
///
/// ```
/// # use serde_json::{Value, json};
/// use valawai::{SentMessage, TestContext};
///
/// let sent = json!({
///     "connection_id": "65a0b1c2d3e4f5061728394a",
///     "source": { "id": "75a0b1c2d3e4f5061728394a", "name": "c0_thermometer", "type": "C0" },
///     "target": { "id": "85a0b1c2d3e4f5061728394a", "name": "c1_alarm", "type": "C1" },
///     "message_payload": { "celsius": 21 },
///     "timestamp": 1_763_680_000,
/// });
/// let sent: SentMessage<Value> = TestContext::new(&*sent.to_string()).message().read().unwrap();
/// assert_eq!((&*sent.source.name, &*sent.target.level), ("c0_thermometer", "C1"));
/// assert_eq!(sent.message_payload["celsius"], 21);
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SentMessage<T> {
    /// The connection through which it was sent.
    pub connection_id: Id,
    /// The component that published it.
    #[serde(default)]
    pub source: Participant,
    /// The component to which it was forwarded.
    #[serde(default)]
    pub target: Participant,
    /// What the source published.
    pub message_payload: T,
    /// When it was forwarded, in seconds since 1970.
    #[serde(default)]
    pub timestamp: i64,
}

/// One end of a connection. The MOV derives the name and the type from the name of the channel. See the example of
/// [`SentMessage`].
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Participant {
    /// The identifier of the component.
    #[serde(default)]
    pub id: Option<Id>,
    /// The name of the component, as in `c1_echo`; empty if the channel's name does not tell.
    #[serde(default)]
    pub name: String,
    /// The level of the component, as in `C1`; empty if the channel's name does not tell.
    #[serde(default, rename = "type")]
    pub level: String,
}
