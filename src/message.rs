//! A message as this library sees it: a body and the few properties that mean something here.

use std::sync::Arc;

/// What travels on a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The payload, JSON if the sender kept to the platform's rules. Nothing is promised before it was read.
    pub body: Vec<u8>,
    /// What goes with it.
    pub properties: Properties,
}

/// The properties that are kept from a message to its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// Tells a duplicate from a new message.
    pub message_id: Option<String>,
    /// The question that this message answers.
    pub correlation_id: Option<String>,
    /// The conversation that it belongs to: a header of the platform's services.
    pub conversation_id: Option<String>,
    /// How often it was tried in vain before; a header of our own counts it.
    pub attempts: u32,
    /// How often a quorum queue delivered it in vain before; 0 on others. It throws a message away at its limit.
    pub deliveries: u32,
}

/// A message on its way out, through the default exchange to the queue `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The queue's name.
    pub to: Arc<str>,
    /// A JSON object, as UTF-8.
    pub body: Vec<u8>,
    /// What goes with it.
    pub properties: Properties,
    /// Survives a restart of the broker.
    pub persistent: bool,
    /// Comes back when no such queue exists, instead of vanishing.
    pub mandatory: bool,
    /// Worthless after so many milliseconds in the queue. `None` keeps it for ever.
    pub expires_after_ms: Option<u32>,
}

impl Outgoing {
    /// `body` for the queue `to`, to survive a restart of the broker, and to come back if the queue is missing.
    #[must_use]
    pub fn new(to: impl Into<Arc<str>>, body: Vec<u8>) -> Self {
        let properties = Properties::default();
        Self { to: to.into(), body, properties, persistent: true, mandatory: true, expires_after_ms: None }
    }
}
