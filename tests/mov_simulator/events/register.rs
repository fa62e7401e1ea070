//! `valawai/component/register`: each message is a new registration, whoever sent it and how often.

use super::topology::{CREATE, creation};
use super::{Dropped, Json, World};
use crate::asyncapi;
use crate::component::{Component, is_word};
use crate::connection::End;
use crate::matching::{Broken, matches};
use crate::payload::{Fields, Invalid};
use crate::schema::TypeWritten;

const KINDS: [&str; 3] = ["C0", "C1", "C2"];
const WHAT: &str = "register component";

pub(super) fn handle(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    world.counts.registers += 1;
    let request = Request::read(payload).map_err(Dropped::invalid(WHAT))?;
    let document = asyncapi::parse(&request.asyncapi_yaml).map_err(|reason| Dropped {
        reason: format!("asyncapi: {reason}"),
        ..Dropped::because(WHAT, "The async API is not valid.")
    })?;
    let component = Component::new(request.kind, request.name, request.version, document);
    world.add_component(component.clone());
    world.logs.note("INFO", format!("Registered component {}.", component.id), payload);
    crate::journal::tell(&format!("Registered component {} {}", component.id, component.name));
    discover(world, &component)
        .map_err(|Broken| Dropped::because(WHAT, "a property of a published payload has no schema"))?;
    notify(world, &component);
    Ok(())
}

struct Request {
    kind: &'static str,
    name: String,
    version: String,
    asyncapi_yaml: String,
}

impl Request {
    fn read(payload: &Json) -> Result<Self, Invalid> {
        let fields = Fields(payload);
        let request = Self {
            kind: fields.required_enum("type", &KINDS)?,
            name: fields.required_text("name")?,
            version: fields.required_text("version")?,
            asyncapi_yaml: fields.required_text("asyncapi_yaml")?,
        };
        if !is_component_name(&request.name) {
            Err(r"`name` must be c[0|1|2]_\w+".to_owned())
        } else if !is_version(&request.version) {
            Err("`version` must be three numbers: 1.2.3".to_owned())
        } else if request.asyncapi_yaml.is_empty() {
            Err("`asyncapi_yaml` is empty".to_owned())
        } else {
            Ok(request)
        }
    }
}

/// The MOV's own expression, `c[0|1|2]_\w+`: it lets `c|_x` through too.
fn is_component_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix('c') else { return false };
    rest.strip_prefix(['0', '|', '1', '2']).and_then(|rest| rest.strip_prefix('_')).is_some_and(is_word)
}

fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Asks for a connection wherever the payloads match. They come about later: when the component is told that it is registered
/// there may be none yet.
fn discover(world: &mut World, component: &Component) -> Result<(), Broken> {
    let mut wanted = Vec::new();
    for other in world.live().filter(|other| other.id != component.id) {
        // A null pointer among the others ends the search there, and nobody learns of it.
        if collect_matches(component, other, &mut wanted).is_err() {
            break;
        }
    }
    collect_loops(component, &mut wanted)?;
    for request in wanted {
        world.publish(CREATE, &request);
    }
    Ok(())
}

/// The new component's connectable channels against all channels of another, both ways.
fn collect_matches(component: &Component, other: &Component, wanted: &mut Vec<Json>) -> Result<(), Broken> {
    for mine in component.connectable() {
        for theirs in &other.channels {
            if let Some(publish) = &mine.publish
                && matches(publish, theirs.subscribe.as_ref())?
            {
                wanted.push(request_of(component, &mine.name, other, &theirs.name));
            }
            if let Some(publish) = &theirs.publish
                && matches(publish, mine.subscribe.as_ref())?
            {
                wanted.push(request_of(other, &theirs.name, component, &mine.name));
            }
        }
    }
    Ok(())
}

/// Connections of a component with itself exist as well; they are not enabled.
fn collect_loops(component: &Component, wanted: &mut Vec<Json>) -> Result<(), Broken> {
    for source in component.connectable() {
        for target in component.connectable() {
            if let Some(publish) = &source.publish
                && matches(publish, target.subscribe.as_ref())?
            {
                wanted.push(request_of(component, &source.name, component, &target.name));
            }
        }
    }
    Ok(())
}

fn request_of(source: &Component, source_channel: &str, target: &Component, target_channel: &str) -> Json {
    let end =
        |component: &Component, channel: &str| End { component: component.id.clone(), channel: channel.to_owned() };
    creation(&end(source, source_channel), &end(target, target_channel), source.kind != target.kind)
}

/// Without a channel for it, the component never learns its identifier; nor when the MOV cannot publish any more.
fn notify(world: &mut World, component: &Component) {
    let Some(queue) = component.registered_channel() else { return };
    let notice = component.to_payload(TypeWritten::Once);
    let what = format!("to the component {} at {queue} that it has been registered.", component.id);
    if world.shared_client.has_given_up() {
        return world.logs.say("ERROR", format!("Cannot notify {what}"), &notice);
    }
    world.publish(queue, &notice);
    world.logs.say("INFO", format!("Notified {what}"), &notice);
}
