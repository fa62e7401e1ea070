//! A connection: what comes out of one component's channel goes into another's.

use super::id::{Id, now};
use super::json::{Json, Members};

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) id: Id,
    pub(crate) source: End,
    pub(crate) target: End,
    pub(crate) enabled: bool,
    pub(crate) deleted: bool,
    pub(crate) created: u64,
    pub(crate) updated: u64,
    /// Which C2 components are told of each message.
    pub(crate) notifications: Vec<Notification>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    pub(crate) target: End,
    pub(crate) enabled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) component: Id,
    pub(crate) channel: String,
}

impl Connection {
    /// A new one is disabled, until a message of its own enables it.
    pub(crate) fn new(source: End, target: End) -> Self {
        Self {
            id: Id::fresh(),
            source,
            target,
            enabled: false,
            deleted: false,
            created: now(),
            updated: now(),
            notifications: Vec::new(),
        }
    }

    pub(crate) fn carries(&self, queue: &str) -> bool {
        self.enabled && !self.deleted && self.source.channel == queue
    }

    pub(crate) fn touches(&self, component: &Id) -> bool {
        !self.deleted && (self.source.component == *component || self.target.component == *component)
    }

    /// As it travels on pages.
    pub(crate) fn to_payload(&self) -> Json {
        Members::new()
            .text("id", self.id.as_str())
            .number("create_timestamp", self.created)
            .number("update_timestamp", self.updated)
            .with("source", self.source.to_payload())
            .with("target", self.target.to_payload())
            .bool("enabled", self.enabled)
            .list("notifications", self.notifications.iter().map(Notification::to_payload))
            .object()
    }

    /// One for each component and channel.
    pub(crate) fn notify(&mut self, notification: Notification) {
        self.notifications.retain(|known| known.target != notification.target);
        self.notifications.push(notification);
    }

    /// As the REST interface lists it.
    pub(crate) fn to_summary(&self) -> Json {
        Members::new()
            .text("id", self.id.as_str())
            .text("source", &self.source.channel)
            .text("target", &self.target.channel)
            .bool("enabled", self.enabled)
            .object()
    }
}

impl Notification {
    pub(crate) fn to_payload(&self) -> Json {
        Members::new().with("target", self.target.to_payload()).bool("enabled", self.enabled).object()
    }
}

impl End {
    pub(crate) fn to_payload(&self) -> Json {
        Members::new().text("component_id", self.component.as_str()).text("channel_name", &self.channel).object()
    }
}
