//! A registration, and the roles of its channels.

use crate::clock::epoch_seconds;
use crate::contract::asyncapi::{Channel, Document};
use crate::contract::names::is_registered_channel;
use crate::contract::schema::{Schema, TypeMember};
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;

/// The constants of the MOV's component types.
pub(crate) const COMPONENT_TYPES: [&str; 3] = ["C0", "C1", "C2"];

/// The properties by which the MOV recognizes the channel for the notice of a registration.
const REGISTERED: [&str; 8] = ["id", "name", "description", "version", "api_version", "type", "since", "channels"];
/// The properties by which the MOV recognizes a channel for notifications.
const SENT_MESSAGE: [&str; 5] = ["connection_id", "source", "target", "message_payload", "timestamp"];

/// One registration. The MOV does not identify components by name: two registrations of a name are two components.
#[derive(Debug, Clone)]
pub(crate) struct Component {
    pub(crate) id: ObjectId,
    /// One of [`COMPONENT_TYPES`]; the member `type` in messages.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) api_version: Option<String>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) since: u64,
    pub(crate) is_finished: bool,
}

/// What the MOV uses a channel for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChannelRole {
    /// The notice that the component is registered.
    Registered,
    /// Notifications of the messages between other components, for a C2 component.
    Notification,
    /// Connections; this includes all other control channels.
    Connectable,
}

impl Component {
    pub(crate) fn new(kind: &'static str, name: String, version: String, document: Document) -> Self {
        Self {
            id: ObjectId::generate(),
            kind,
            name,
            version,
            description: document.description.filter(|text| !text.is_empty()),
            api_version: document.api_version.filter(|text| !text.is_empty()),
            channels: document.channels,
            since: epoch_seconds(),
            is_finished: false,
        }
    }

    /// The queue for the notice that the component is registered. If several channels qualify, it is the last.
    pub(crate) fn registered_channel(&self) -> Option<&str> {
        self.channels_for(ChannelRole::Registered).last().map(|channel| channel.name.as_str())
    }

    /// The channels for which the MOV looks for connections when this component registers.
    pub(crate) fn connectable_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels_for(ChannelRole::Connectable)
    }

    pub(crate) fn notification_channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels_for(ChannelRole::Notification)
    }

    /// The schema of the messages that the component publishes on a channel.
    pub(crate) fn publish_schema(&self, channel_name: &str) -> Option<&Schema> {
        self.channel(channel_name)?.publish.as_ref()
    }

    /// The schema of the messages that the component accepts on a channel.
    pub(crate) fn subscribe_schema(&self, channel_name: &str) -> Option<&Schema> {
        self.channel(channel_name)?.subscribe.as_ref()
    }

    pub(crate) fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    fn channels_for(&self, role: ChannelRole) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(move |channel| self.role_of(channel) == role)
    }

    fn role_of(&self, channel: &Channel) -> ChannelRole {
        let Some(Schema::Object(payload)) = &channel.subscribe else { return ChannelRole::Connectable };
        if payload.has_properties(&REGISTERED) && is_registered_channel(&channel.name, self.kind) {
            ChannelRole::Registered
        } else if self.kind == "C2" && payload.has_properties(&SENT_MESSAGE) {
            ChannelRole::Notification
        } else {
            ChannelRole::Connectable
        }
    }

    /// The form in the notice of the registration, and in pages.
    pub(crate) fn to_payload(&self, type_member: TypeMember) -> Json {
        ObjectBuilder::new()
            .string("id", self.id.as_str())
            .string("name", &self.name)
            .optional_string("description", self.description.as_deref())
            .string("version", &self.version)
            .string("type", self.kind)
            .number("since", self.since)
            .array("channels", self.channels.iter().map(|channel| channel_to_json(channel, type_member)))
            .optional_string("api_version", self.api_version.as_deref())
            .build()
    }

    /// The complete form of the REST interface.
    pub(crate) fn to_details(&self) -> Json {
        ObjectBuilder::new()
            .string("id", self.id.as_str())
            .string("name", &self.name)
            .optional_string("description", self.description.as_deref())
            .string("type", self.kind)
            .string("version", &self.version)
            .optional_string("apiVersion", self.api_version.as_deref())
            .number("since", self.since)
            .array("channels", self.channels.iter().map(|channel| channel_to_json(channel, TypeMember::Twice)))
            .build()
    }

    /// The form in lists and log entries.
    pub(crate) fn to_summary(&self) -> Json {
        ObjectBuilder::new()
            .string("id", self.id.as_str())
            .string("name", &self.name)
            .optional_string("description", self.description.as_deref())
            .string("type", self.kind)
            .build()
    }
}

pub(crate) fn channel_to_json(channel: &Channel, type_member: TypeMember) -> Json {
    let schema = |schema: &Option<Schema>| schema.as_ref().map_or(Json::Null, |schema| schema.to_json(type_member));
    ObjectBuilder::new()
        .string("name", &channel.name)
        .optional_string("description", channel.description.as_deref())
        .value("subscribe", schema(&channel.subscribe))
        .value("publish", schema(&channel.publish))
        .build()
}

/// Sorts by the fields of a query's `order`, the first field first. Without known fields the order of registration remains.
pub(crate) fn sort_components(components: &mut [&Component], order: &str) {
    // The sort is stable, so the last of the passes decides most.
    for field in order.split(',').rev() {
        let (is_descending, name) = match field.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, field.trim_start_matches(['+', ' '])),
        };
        components.sort_by(|left, right| {
            let ordering = match name {
                "name" => left.name.cmp(&right.name),
                "type" => left.kind.cmp(right.kind),
                "since" => left.since.cmp(&right.since),
                "description" => left.description.cmp(&right.description),
                _ => std::cmp::Ordering::Equal,
            };
            if is_descending { ordering.reverse() } else { ordering }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::asyncapi;

    fn component(kind: &'static str, name: &str) -> Component {
        let document = asyncapi::parse("channels: {}").expect("a valid document");
        Component::new(kind, name.to_owned(), "1.0.0".to_owned(), document)
    }

    #[test]
    fn components_are_sorted_by_several_fields() {
        let components = [component("C1", "b"), component("C0", "a"), component("C1", "a"), component("C0", "b")];
        let sorted = |order: &str| {
            let mut sorted: Vec<&Component> = components.iter().collect();
            sort_components(&mut sorted, order);
            sorted.iter().map(|component| format!("{}{}", component.kind, component.name)).collect::<Vec<_>>().concat()
        };
        assert_eq!(sorted("name,type"), "C0aC1aC0bC1b");
        assert_eq!(sorted("-name,+type"), "C0bC1bC0aC1a");
        assert_eq!(sorted("type,-name"), "C0bC0aC1bC1a");
        assert_eq!(sorted(""), "C1bC0aC1aC0b");
    }
}
