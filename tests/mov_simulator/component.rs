//! A registration, and what its channels are for.

use super::asyncapi::{Channel, Document};
use super::id::{Id, now};
use super::json::{Json, Members};
use super::schema::{Schema, TypeWritten};

/// One registration: the MOV knows no components but these, and two with the same name are two.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) id: Id,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) since: u64,
    pub(crate) finished: bool,
}

const REGISTERED: [&str; 8] = ["id", "name", "description", "version", "api_version", "type", "since", "channels"];
const SENT_MESSAGE: [&str; 5] = ["connection_id", "source", "target", "message_payload", "timestamp"];

/// What the MOV uses a channel for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Tells the component that it is registered.
    Registered,
    /// Tells a C2 component what passed between others.
    Notification,
    /// May be connected; the rest of the control channels too.
    Connectable,
}

impl Component {
    pub(crate) fn new(kind: &'static str, name: String, version: String, document: Document) -> Self {
        Self {
            id: Id::fresh(),
            kind,
            name,
            version,
            description: document.description.filter(|text| !text.is_empty()),
            api_version: document.api_version.filter(|text| !text.is_empty()),
            channels: document.channels,
            since: now(),
            finished: false,
        }
    }

    /// The queue on which it hears that it is registered: of several the last.
    pub(crate) fn registered_channel(&self) -> Option<&str> {
        let of_that_role = |channel: &&Channel| self.role(channel) == Role::Registered;
        self.channels.iter().rev().find(of_that_role).map(|channel| channel.name.as_str())
    }

    /// The channels for which the MOV looks for connections when this component registers.
    pub(crate) fn connectable(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|channel| self.role(channel) == Role::Connectable)
    }

    /// The channels of a C2 component that may hear what passes between others.
    pub(crate) fn notification_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|channel| self.role(channel) == Role::Notification)
    }

    pub(crate) fn publishes(&self, channel_name: &str) -> Option<&Schema> {
        self.channels.iter().filter(|channel| channel.name == channel_name).find_map(|channel| channel.publish.as_ref())
    }

    pub(crate) fn subscribes(&self, channel_name: &str) -> Option<&Schema> {
        self.channels
            .iter()
            .filter(|channel| channel.name == channel_name)
            .find_map(|channel| channel.subscribe.as_ref())
    }

    fn role(&self, channel: &Channel) -> Role {
        let Some(Schema::Object(heard)) = &channel.subscribe else { return Role::Connectable };
        if heard.has_all(&REGISTERED) && self.is_own_registered_name(&channel.name) {
            Role::Registered
        } else if self.kind == "C2" && heard.has_all(&SENT_MESSAGE) {
            Role::Notification
        } else {
            Role::Connectable
        }
    }

    /// `valawai/c<level>/<any>/control/registered`; the name in it may be anybody's.
    fn is_own_registered_name(&self, channel_name: &str) -> bool {
        let parts: Vec<&str> = channel_name.split('/').collect();
        matches!(parts.as_slice(), ["valawai", level, word, "control", "registered"]
            if *level == self.kind.to_ascii_lowercase() && is_word(word))
    }

    /// As it travels in `registered`, and on pages.
    pub(crate) fn to_payload(&self, written: TypeWritten) -> Json {
        Members::new()
            .text("id", self.id.as_str())
            .text("name", &self.name)
            .optional("description", self.description.as_deref())
            .text("version", &self.version)
            .text("type", self.kind)
            .number("since", self.since)
            .list("channels", self.channels.iter().map(|channel| channel_to_json(channel, written)))
            .optional("api_version", self.api_version.as_deref())
            .object()
    }

    /// As the REST interface tells of it alone.
    pub(crate) fn to_rest(&self) -> Json {
        Members::new()
            .text("id", self.id.as_str())
            .text("name", &self.name)
            .optional("description", self.description.as_deref())
            .text("type", self.kind)
            .text("version", &self.version)
            .optional("apiVersion", self.api_version.as_deref())
            .number("since", self.since)
            .list("channels", self.channels.iter().map(|channel| channel_to_json(channel, TypeWritten::Twice)))
            .object()
    }

    /// As it stands in lists and logs.
    pub(crate) fn to_summary(&self) -> Json {
        Members::new()
            .text("id", self.id.as_str())
            .text("name", &self.name)
            .optional("description", self.description.as_deref())
            .text("type", self.kind)
            .object()
    }
}

/// `\w+` of a Java regular expression.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(crate) fn channel_to_json(channel: &Channel, written: TypeWritten) -> Json {
    let schema = |schema: &Option<Schema>| schema.as_ref().map_or(Json::Null, |schema| schema.to_json(written));
    Members::new()
        .text("name", &channel.name)
        .optional("description", channel.description.as_deref())
        .with("subscribe", schema(&channel.subscribe))
        .with("publish", schema(&channel.publish))
        .object()
}
