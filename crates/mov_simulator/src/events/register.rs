//! `valawai/component/register`: each message creates a new registration, even if the component is already registered.

use super::Rejection;
use super::discovery::request_connections;
use super::notification;
use crate::console;
use crate::contract::asyncapi;
use crate::contract::fields::{Fields, InvalidField};
use crate::contract::matching::MatchingFailed;
use crate::contract::names::{is_component_name, is_version};
use crate::contract::schema::TypeMember;
use crate::json::{Json, ObjectBuilder};
use crate::state::MovState;
use crate::state::component::{COMPONENT_TYPES, Component};

pub(crate) const QUEUE: &str = "valawai/component/register";

const PAYLOAD_NAME: &str = "register component";

/// The message that registers a component.
pub(crate) fn payload(kind: &str, name: &str, version: &str, asyncapi_yaml: &str) -> Json {
    ObjectBuilder::new()
        .string("type", kind)
        .string("name", name)
        .string("version", version)
        .string("asyncapi_yaml", asyncapi_yaml)
        .build()
}

pub(super) fn handle(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    state.counts.registers += 1;
    let request = Request::from_payload(payload).map_err(Rejection::invalid(PAYLOAD_NAME))?;
    let document = asyncapi::parse(&request.asyncapi_yaml).map_err(|error| Rejection {
        reason: format!("asyncapi: {error}"),
        ..Rejection::because(PAYLOAD_NAME, "The async API is not valid.")
    })?;
    let component = Component::new(request.kind, request.name, request.version, document);
    state.add_component(component.clone());
    state.logs.add_own("INFO", format!("Registered component {}.", component.id), Some(payload));
    console::print(&format!("Registered component {} {}", component.id, component.name));
    // As in the real MOV, a failure here rejects the message but keeps the registration.
    request_connections(state, &component).map_err(|MatchingFailed| {
        Rejection::because(PAYLOAD_NAME, "a property of a published payload has no schema")
    })?;
    notification::request_for_component(state, &component);
    notify_registered(state, &component);
    Ok(())
}

struct Request {
    kind: &'static str,
    name: String,
    version: String,
    asyncapi_yaml: String,
}

impl Request {
    fn from_payload(payload: &Json) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        let request = Self {
            kind: fields.required_enum("type", &COMPONENT_TYPES)?,
            name: fields.required_text("name")?,
            version: fields.required_text("version")?,
            asyncapi_yaml: fields.required_text("asyncapi_yaml")?,
        };
        if !is_component_name(&request.name) {
            Err(InvalidField::new("name", r"must be c[0|1|2]_\w+"))
        } else if !is_version(&request.version) {
            Err(InvalidField::new("version", "must be three numbers: 1.2.3"))
        } else if request.asyncapi_yaml.is_empty() {
            Err(InvalidField::new("asyncapi_yaml", "is empty"))
        } else {
            Ok(request)
        }
    }
}

/// A component without a channel for the notice does not learn its identifier, nor does any component of a MOV that has given
/// up.
fn notify_registered(state: &mut MovState, component: &Component) {
    let Some(queue) = component.registered_channel() else { return };
    let notice = component.to_payload(TypeMember::Once);
    let event = format!("to the component {} at {queue} that it has been registered.", component.id);
    if state.shared_client.has_given_up() {
        state.logs.add_own_and_print("ERROR", format!("Cannot notify {event}"), Some(&notice));
    } else {
        state.publish(queue, &notice);
        state.logs.add_own_and_print("INFO", format!("Notified {event}"), Some(&notice));
    }
}
