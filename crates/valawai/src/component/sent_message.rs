//! What C2 components receive: messages that were sent from one component to another.

use serde::Deserialize;

use crate::name::Id;

/// A message that the MOV forwarded from one component to another, as it notifies C2 components of it.
///
/// `T` is the payload, with the fields that the `asyncapi.yaml` of the C2 component declares for `message_payload`. The
/// MOV notifies of the messages whose fields are all declared there.
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

/// One end of a connection. The MOV derives the name and the type from the name of the channel.
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
