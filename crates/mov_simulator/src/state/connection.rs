//! A connection: messages of one component's channel are forwarded to a channel of another.

use crate::clock::epoch_seconds;
use crate::contract::fields::{Fields, InvalidField};
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) id: ObjectId,
    pub(crate) source: Endpoint,
    pub(crate) target: Endpoint,
    pub(crate) is_enabled: bool,
    pub(crate) is_deleted: bool,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    pub(crate) notifications: Vec<Notification>,
}

/// A C2 component that is notified of each message of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) target: Endpoint,
    pub(crate) is_enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) component: ObjectId,
    pub(crate) channel: String,
}

impl Connection {
    /// A new connection is disabled until another message enables it.
    pub(crate) fn new(source: Endpoint, target: Endpoint) -> Self {
        Self {
            id: ObjectId::generate(),
            source,
            target,
            is_enabled: false,
            is_deleted: false,
            created: epoch_seconds(),
            updated: epoch_seconds(),
            notifications: Vec::new(),
        }
    }

    /// Whether messages of this queue are forwarded over the connection.
    pub(crate) fn forwards_from(&self, queue: &str) -> bool {
        self.is_enabled && !self.is_deleted && self.source.channel == queue
    }

    /// Whether the component is one of its ends.
    pub(crate) fn involves(&self, component: &ObjectId) -> bool {
        self.source.component == *component || self.target.component == *component
    }

    /// Adds a notification, or replaces the one for the same component and channel.
    pub(crate) fn set_notification(&mut self, notification: Notification) {
        self.notifications.retain(|existing| existing.target != notification.target);
        self.notifications.push(notification);
    }

    /// The form in pages.
    pub(crate) fn to_payload(&self) -> Json {
        ObjectBuilder::new()
            .string("id", self.id.as_str())
            .number("create_timestamp", self.created)
            .number("update_timestamp", self.updated)
            .value("source", self.source.to_payload())
            .value("target", self.target.to_payload())
            .bool("enabled", self.is_enabled)
            .array("notifications", self.notifications.iter().map(Notification::to_payload))
            .build()
    }

    /// The form in lists of the REST interface.
    pub(crate) fn to_summary(&self) -> Json {
        ObjectBuilder::new()
            .string("id", self.id.as_str())
            .string("source", &self.source.channel)
            .string("target", &self.target.channel)
            .bool("enabled", self.is_enabled)
            .build()
    }
}

impl Notification {
    fn to_payload(&self) -> Json {
        ObjectBuilder::new().value("target", self.target.to_payload()).bool("enabled", self.is_enabled).build()
    }
}

impl Endpoint {
    pub(crate) fn new(component: &ObjectId, channel: &str) -> Self {
        Self { component: component.clone(), channel: channel.to_owned() }
    }

    pub(crate) fn from_payload(fields: &Fields<'_>) -> Result<Self, InvalidField> {
        Ok(Self { component: fields.required_id("component_id")?, channel: fields.required_text("channel_name")? })
    }

    pub(crate) fn to_payload(&self) -> Json {
        ObjectBuilder::new()
            .string("component_id", self.component.as_str())
            .string("channel_name", &self.channel)
            .build()
    }
}
