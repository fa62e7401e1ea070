//! `valawai/topology/create` and `valawai/topology/change`: creates, enables, disables and removes connections. The MOV also
//! sends these messages to itself.

use super::{Rejection, notification};
use crate::clock::epoch_seconds;
use crate::contract::fields::{Fields, InvalidField};
use crate::contract::matching::matches;
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;
use crate::state::connection::{Connection, Endpoint};
use crate::state::{CloseReason, EnableReason, MovState};

pub(crate) const CREATE: &str = "valawai/topology/create";
pub(crate) const CHANGE: &str = "valawai/topology/change";

pub(crate) const ACTIONS: [&str; 3] = ["ENABLE", "DISABLE", "REMOVE"];

const PAYLOAD_NAME: &str = "create topology connection";

/// The message that creates a connection.
pub(crate) fn create_payload(source: &Endpoint, target: &Endpoint, is_enabled: bool) -> Json {
    ObjectBuilder::new()
        .value("source", source.to_payload())
        .value("target", target.to_payload())
        .bool("enabled", is_enabled)
        .build()
}

/// The message that changes a connection.
pub(crate) fn change_payload(action: &str, connection: &ObjectId) -> Json {
    ObjectBuilder::new().string("action", action).string("connection_id", connection.as_str()).build()
}

pub(super) fn create(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let request = CreateRequest::from_payload(payload).map_err(Rejection::invalid(PAYLOAD_NAME))?;
    request.check(state).map_err(|reason| Rejection::because(PAYLOAD_NAME, reason))?;
    let mut connection = Connection::new(request.source, request.target);
    connection.notifications = notification::for_new_connection(state, &connection);
    let id = connection.id.clone();
    state.add_connection(connection);
    state.logs.add_own_and_print("INFO", format!("Created the connection {id}."), None);
    if request.is_enabled {
        state.publish(CHANGE, &change_payload("ENABLE", &id));
    }
    Ok(())
}

struct CreateRequest {
    source: Endpoint,
    target: Endpoint,
    is_enabled: bool,
    has_converter: bool,
}

impl CreateRequest {
    fn from_payload(payload: &Json) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        Ok(Self {
            source: Endpoint::from_payload(&fields.required_object("source")?)?,
            target: Endpoint::from_payload(&fields.required_object("target")?)?,
            is_enabled: fields.flag("enabled")?,
            has_converter: fields.text("converter_js_code")?.is_some(),
        })
    }

    /// The texts are the MOV's. Whether the components are finished does not matter to it.
    fn check(&self, state: &MovState) -> Result<(), &'static str> {
        let source = state.component(&self.source.component).ok_or("The source component is not defined")?;
        let publish = source
            .publish_schema(&self.source.channel)
            .ok_or("The source component does not publish on the channel name")?;
        let target = state.component(&self.target.component).ok_or("The target component is not defined")?;
        let subscribe = target
            .subscribe_schema(&self.target.channel)
            .ok_or("The target component does not subscribe on the channel name")?;
        if !self.has_converter && matches(publish, Some(subscribe)) != Ok(true) {
            return Err("The source payload does not match the target payload.");
        }
        let is_same = |existing: &Connection| {
            !existing.is_deleted && existing.source == self.source && existing.target == self.target
        };
        if state.connections.iter().any(is_same) { Err("Cannot store the connection") } else { Ok(()) }
    }
}

pub(super) fn change(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let (action, id) = read_change(payload).map_err(Rejection::invalid("change topology"))?;
    let Some(connection) = state.connections.iter_mut().find(|connection| connection.id == id) else {
        let log_message = "Received change topology payload for an undefined connection.".to_owned();
        return Err(Rejection { log_message, reason: format!("unknown connection {id}") });
    };
    let has_changed = apply(action, connection);
    let source_queue = connection.source.channel.clone();
    let connection = format!("the connection {id} ( from '{source_queue}' to '{}')", connection.target.channel);
    let (level, message) = match (has_changed, action) {
        (true, "ENABLE") => ("INFO", format!("Enabled {connection}")),
        (true, "DISABLE") => ("INFO", format!("Disabled {connection}")),
        (true, _) => ("DEBUG", format!("Removed {connection}")),
        // An error in the log, but not a rejection.
        (false, _) => ("ERROR", format!("Cannot {} {connection}", action.to_ascii_lowercase())),
    };
    state.logs.add_own_and_print(level, message, None);
    update_source_queue(state, action, has_changed, &id, &source_queue);
    Ok(())
}

fn read_change(payload: &Json) -> Result<(&'static str, ObjectId), InvalidField> {
    let fields = Fields(payload);
    Ok((fields.required_enum("action", &ACTIONS)?, fields.required_id("connection_id")?))
}

/// Returns whether the action has changed anything.
fn apply(action: &str, connection: &mut Connection) -> bool {
    let (flag, value) = match action {
        "ENABLE" => (&mut connection.is_enabled, true),
        "DISABLE" => (&mut connection.is_enabled, false),
        _ => (&mut connection.is_deleted, true),
    };
    let has_changed = *flag != value;
    *flag = value;
    connection.updated = epoch_seconds();
    has_changed
}

/// As in the real MOV, enabling a deleted connection opens its source queue, too.
fn update_source_queue(state: &mut MovState, action: &str, has_changed: bool, id: &ObjectId, queue: &str) {
    if has_changed && action == "ENABLE" {
        let reason = enable_reason(state, id);
        state.open_source_queue(queue, reason);
    } else if !state.connections.iter().any(|connection| connection.forwards_from(queue)) {
        let reason = if action == "REMOVE" { CloseReason::Removed } else { CloseReason::Disabled };
        state.close_source_queue(queue, reason);
    }
}

fn enable_reason(state: &MovState, id: &ObjectId) -> EnableReason {
    fn channels(connection: &Connection) -> (&str, &str) {
        (&connection.source.channel, &connection.target.channel)
    }
    let enabled = state.connections.iter().find(|connection| connection.id == *id).map(channels);
    let mut others = state.connections.iter().filter(|connection| connection.id != *id).map(channels);
    if others.any(|other| Some(other) == enabled) {
        EnableReason::RepeatedRegistration
    } else {
        EnableReason::FirstConnection
    }
}
