//! `valawai/topology/notification/create` and `…/change`: which C2 components are notified of the messages of a connection.

use super::topology::ACTIONS;
use super::{Rejection, envelope};
use crate::contract::fields::{Fields, InvalidField};
use crate::contract::matching::matches;
use crate::contract::names::is_notification_channel;
use crate::contract::schema::Schema;
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;
use crate::state::MovState;
use crate::state::component::Component;
use crate::state::connection::{Connection, Endpoint, Notification};

pub(super) const CREATE: &str = "valawai/topology/notification/create";
pub(super) const CHANGE: &str = "valawai/topology/notification/change";

const PAYLOAD_NAME: &str = "create notification";

pub(super) fn create(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let request = CreateRequest::from_payload(payload).map_err(Rejection::invalid(PAYLOAD_NAME))?;
    request.check(state).map_err(|reason| Rejection::because(PAYLOAD_NAME, reason))?;
    if let Some(connection) = state.live_connection_mut(&request.connection) {
        connection.set_notification(request.notification);
    }
    state.logs.add_own_and_print("DEBUG", "Created notification".to_owned(), Some(payload));
    Ok(())
}

struct CreateRequest {
    connection: ObjectId,
    notification: Notification,
}

impl CreateRequest {
    fn from_payload(payload: &Json) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        Ok(Self {
            connection: fields.required_id("connection_id")?,
            notification: Notification {
                target: Endpoint::from_payload(&fields.required_object("target")?)?,
                is_enabled: fields.flag("enabled")?,
            },
        })
    }

    /// The target must accept the envelope, or the message alone. The texts are the MOV's.
    fn check(&self, state: &MovState) -> Result<(), &'static str> {
        let Endpoint { component, channel } = &self.notification.target;
        let target = state.component(component).ok_or("The target component is not defined")?;
        let subscribe =
            target.subscribe_schema(channel).ok_or("The target component does not subscribe on the channel name")?;
        let connection = state.live_connection(&self.connection).ok_or("The connection is not defined")?;
        let message = message_schema(state, connection).ok_or("The source component is not defined")?;
        let accepts = |schema: &Schema| matches(schema, Some(subscribe)) == Ok(true);
        if accepts(message) || accepts(&envelope::schema(message)) {
            Ok(())
        } else {
            Err("The message of the connection is not compatible with the target")
        }
    }
}

pub(super) fn change(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let request = ChangeRequest::from_payload(payload).map_err(Rejection::invalid("change notification"))?;
    request.apply(state).ok_or_else(|| Rejection {
        // The grammar is the MOV's.
        log_message: "Cannot changed notification, because it is not defined.".to_owned(),
        reason: "unknown notification".to_owned(),
    })?;
    state.logs.add_own_and_print("DEBUG", "Changed notification".to_owned(), Some(payload));
    Ok(())
}

struct ChangeRequest {
    action: &'static str,
    connection: ObjectId,
    target: Endpoint,
}

impl ChangeRequest {
    fn from_payload(payload: &Json) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        Ok(Self {
            action: fields.required_enum("action", &ACTIONS)?,
            connection: fields.required_id("connection_id")?,
            target: Endpoint::from_payload(&fields.required_object("target")?)?,
        })
    }

    /// Returns `None` if there is no such notification.
    fn apply(&self, state: &mut MovState) -> Option<()> {
        let notifications = &mut state.live_connection_mut(&self.connection)?.notifications;
        let index = notifications.iter().position(|notification| notification.target == self.target)?;
        if self.action == "REMOVE" {
            notifications.remove(index);
        } else {
            notifications[index].is_enabled = self.action == "ENABLE";
        }
        Some(())
    }
}

/// The notifications of a new connection: all C2 components that accept the envelope on a channel with a suitable name. As in
/// the real MOV, this includes finished components.
pub(super) fn for_new_connection(state: &MovState, connection: &Connection) -> Vec<Notification> {
    let Some(message) = message_schema(state, connection) else { return Vec::new() };
    let envelope = envelope::schema(message);
    let mut notifications = Vec::new();
    for component in state.registrations().iter().filter(|component| component.kind == "C2") {
        for channel in component.channels.iter().filter(|channel| is_notification_channel(&channel.name)) {
            if matches(&envelope, channel.subscribe.as_ref()) == Ok(true) {
                let target = Endpoint::new(&component.id, &channel.name);
                notifications.push(Notification { target, is_enabled: true });
            }
        }
    }
    notifications
}

/// Requests notifications of the existing connections for a new component. As in the real MOV, they are created disabled.
pub(super) fn request_for_component(state: &mut MovState, component: &Component) {
    let mut requests = Vec::new();
    for connection in state.connections.iter().filter(|connection| !connection.is_deleted) {
        let Some(message) = message_schema(state, connection) else { continue };
        let envelope = envelope::schema(message);
        for channel in component.notification_channels() {
            if matches(&envelope, channel.subscribe.as_ref()) == Ok(true) {
                requests.push(create_payload(&connection.id, &Endpoint::new(&component.id, &channel.name)));
            }
        }
    }
    for request in requests {
        state.publish(CREATE, &request);
    }
}

fn create_payload(connection: &ObjectId, target: &Endpoint) -> Json {
    ObjectBuilder::new().string("connection_id", connection.as_str()).value("target", target.to_payload()).build()
}

/// The schema of the messages that are forwarded over a connection.
fn message_schema<'s>(state: &'s MovState, connection: &Connection) -> Option<&'s Schema> {
    state.component(&connection.source.component)?.publish_schema(&connection.source.channel)
}
