//! What changes something: each request becomes a message to one of the MOV's own queues, and is answered before that is read.

use super::answer::Answer;
use crate::connection::End;
use crate::events::topology::{ACTIONS, CHANGE, CREATE, change_of, creation};
use crate::json::{Json, Members};
use crate::json_reader;
use crate::payload::{Fields, Invalid};
use crate::world::World;

pub(super) fn register(world: &mut World, body: &[u8]) -> Answer {
    send(world, "valawai/component/register", body, |fields| {
        let message = Members::new().text("type", fields.required_enum("type", &["C0", "C1", "C2"])?);
        let message = message.text("name", &fields.required_text("name")?);
        let message = message.text("version", &fields.required_text("version")?);
        Ok(message.text("asyncapi_yaml", &fields.required_text("asyncapiYaml")?).object())
    })
}

pub(super) fn unregister(world: &mut World, id: &str) -> Answer {
    world.publish("valawai/component/unregister", &Members::new().text("component_id", id).object());
    Answer::bare(204)
}

pub(super) fn connect(world: &mut World, body: &[u8]) -> Answer {
    send(world, CREATE, body, |fields| {
        let end = |component: &str, channel: &str| -> Result<End, Invalid> {
            Ok(End { component: fields.required_id(component)?, channel: fields.required_text(channel)? })
        };
        let (source, target) = (end("sourceComponent", "sourceChannel")?, end("targetComponent", "targetChannel")?);
        Ok(creation(&source, &target, fields.flag("enabled")?))
    })
}

pub(super) fn change(world: &mut World, body: &[u8]) -> Answer {
    send(world, CHANGE, body, |fields| {
        Ok(change_of(fields.required_enum("action", &ACTIONS)?, &fields.required_id("connectionId")?))
    })
}

fn send(world: &mut World, queue: &str, body: &[u8], message: impl Fn(&Fields<'_>) -> Result<Json, Invalid>) -> Answer {
    let body = match json_reader::read(body) {
        Ok(body @ Json::Object(_)) => body,
        Ok(_) => return Answer::violation("the body must be an object"),
        Err(reason) => return Answer::violation(&reason),
    };
    match message(&Fields(&body)) {
        Ok(message) => {
            world.publish(queue, &message);
            Answer::bare(204)
        }
        Err(reason) => Answer::violation(&reason),
    }
}
