//! `POST`, `PUT` and `DELETE`: each request becomes a message to one of the MOV's own queues. It is answered before the MOV
//! handles the message.

use super::response::Response;
use crate::contract::fields::{Fields, InvalidField};
use crate::events::topology::{self, ACTIONS};
use crate::events::{register, unregister};
use crate::json::{self, Json};
use crate::state::MovState;
use crate::state::component::COMPONENT_TYPES;
use crate::state::connection::Endpoint;

pub(super) fn register(state: &mut MovState, body: &[u8]) -> Response {
    publish(state, register::QUEUE, body, |fields| {
        Ok(register::payload(
            fields.required_enum("type", &COMPONENT_TYPES)?,
            &fields.required_text("name")?,
            &fields.required_text("version")?,
            &fields.required_text("asyncapiYaml")?,
        ))
    })
}

pub(super) fn unregister(state: &mut MovState, id: &str) -> Response {
    state.publish(unregister::QUEUE, &unregister::payload(id));
    Response::empty(204)
}

pub(super) fn connect(state: &mut MovState, body: &[u8]) -> Response {
    publish(state, topology::CREATE, body, |fields| {
        let endpoint = |component, channel| -> Result<Endpoint, InvalidField> {
            Ok(Endpoint { component: fields.required_id(component)?, channel: fields.required_text(channel)? })
        };
        let source = endpoint("sourceComponent", "sourceChannel")?;
        let target = endpoint("targetComponent", "targetChannel")?;
        Ok(topology::create_payload(&source, &target, fields.flag("enabled")?))
    })
}

pub(super) fn change(state: &mut MovState, body: &[u8]) -> Response {
    publish(state, topology::CHANGE, body, |fields| {
        Ok(topology::change_payload(fields.required_enum("action", &ACTIONS)?, &fields.required_id("connectionId")?))
    })
}

fn publish(
    state: &mut MovState,
    queue: &str,
    body: &[u8],
    to_message: impl Fn(&Fields<'_>) -> Result<Json, InvalidField>,
) -> Response {
    let body = match json::read(body) {
        Ok(body @ Json::Object(_)) => body,
        Ok(_) => return Response::violation("body", "the body must be an object"),
        Err(reason) => return Response::violation("body", &reason),
    };
    match to_message(&Fields(&body)) {
        Ok(message) => {
            state.publish(queue, &message);
            Response::empty(204)
        }
        Err(field) => Response::violation(field.name, &field.to_string()),
    }
}
