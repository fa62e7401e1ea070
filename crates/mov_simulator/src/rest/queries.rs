//! `GET` on components, connections and logs.

use super::parameters::{ParameterError, Parameters};
use super::response::Response;
use crate::contract::fields::InvalidField;
use crate::contract::order::is_component_order;
use crate::contract::schema::TypeMember;
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;
use crate::state::MovState;
use crate::state::component::{Component, channel_to_json, sort_components};
use crate::state::connection::{Connection, Endpoint};
use crate::state::logs::LogEntry;

pub(super) fn components(state: &MovState, parameters: &Parameters) -> Result<Json, ParameterError> {
    let order = parameters.get("order").unwrap_or("since");
    if !is_component_order(order) {
        let problem = InvalidField::new("order", "must be names of fields with + or -");
        return Err(ParameterError::Invalid(problem));
    }
    let (name, kind) = (parameters.pattern("pattern"), parameters.pattern("type"));
    let is_selected = |component: &&Component| {
        kind.matches(component.kind)
            && (name.matches(&component.name) || name.matches_any(component.description.as_deref()))
    };
    let mut found: Vec<&Component> = state.live_components().filter(is_selected).collect();
    sort_components(&mut found, order);
    Ok(parameters.page("components", found.into_iter().map(Component::to_summary).collect()))
}

/// A finished component is answered like an unknown one.
pub(super) fn component(state: &MovState, id: &str) -> Response {
    let id = ObjectId::parse(id);
    let component = id.and_then(|id| state.live_components().find(|component| component.id == id));
    component.map_or_else(|| Response::empty(404), |component| Response::json(200, &component.to_details()))
}

#[expect(clippy::unnecessary_wraps, reason = "a `ListQuery`")]
pub(super) fn connections(state: &MovState, parameters: &Parameters) -> Result<Json, ParameterError> {
    let pattern = parameters.pattern("pattern");
    let is_selected = |connection: &&Connection| {
        !connection.is_deleted
            && (pattern.matches(&connection.source.channel) || pattern.matches(&connection.target.channel))
    };
    let found = state.connections.iter().filter(is_selected);
    Ok(parameters.page("connections", found.map(Connection::to_summary).collect()))
}

/// A deleted connection is answered like an unknown one.
pub(super) fn connection(state: &MovState, id: &str) -> Response {
    let connection = ObjectId::parse(id).and_then(|id| state.live_connection(&id));
    connection.map_or_else(|| Response::empty(404), |found| Response::json(200, &connection_details(state, found)))
}

fn connection_details(state: &MovState, connection: &Connection) -> Json {
    let endpoint = |endpoint: &Endpoint| {
        let component = state.component(&endpoint.component);
        let channel = component.and_then(|component| component.channel(&endpoint.channel));
        ObjectBuilder::new()
            .value("component", component.map_or(Json::Null, Component::to_summary))
            .value("channel", channel.map_or(Json::Null, |channel| channel_to_json(channel, TypeMember::Twice)))
            .build()
    };
    let enabled = connection.notifications.iter().filter(|notification| notification.is_enabled);
    ObjectBuilder::new()
        .string("id", connection.id.as_str())
        .number("createTimestamp", connection.created)
        .number("updateTimestamp", connection.updated)
        .value("source", endpoint(&connection.source))
        .value("target", endpoint(&connection.target))
        .bool("enabled", connection.is_enabled)
        .array("subscriptions", enabled.map(|notification| endpoint(&notification.target)))
        .build()
}

#[expect(clippy::unnecessary_wraps, reason = "a `ListQuery`")]
pub(super) fn logs(state: &MovState, parameters: &Parameters) -> Result<Json, ParameterError> {
    let (pattern, level) = (parameters.pattern("pattern"), parameters.pattern("level"));
    let is_selected = |entry: &&LogEntry| pattern.matches(&entry.message) && level.matches(entry.level);
    let mut found: Vec<Json> = state.logs.entries().filter(is_selected).map(|entry| log_entry(state, entry)).collect();
    if parameters.get("order").is_some_and(|order| order.starts_with('-')) {
        found.reverse();
    }
    Ok(parameters.page("logs", found))
}

fn log_entry(state: &MovState, entry: &LogEntry) -> Json {
    let component = entry.component.as_ref().and_then(|id| state.component(id));
    ObjectBuilder::new()
        .string("level", entry.level)
        .string("message", &entry.message)
        .optional_string("payload", entry.payload.as_deref())
        .value("component", component.map_or(Json::Null, Component::to_summary))
        .number("timestamp", entry.timestamp)
        .build()
}
