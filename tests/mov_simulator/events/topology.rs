//! `valawai/topology/create` and `valawai/topology/change`: connections come, are enabled and disabled, and go. The MOV sends
//! these messages to itself.

use super::{Dropped, Json, World};
use crate::connection::{Connection, End};
use crate::id::{Id, now};
use crate::json::Members;
use crate::matching::matches;
use crate::payload::{Fields, Invalid};
use crate::shared::{Closing, Enabling};

pub(super) const CREATE: &str = "valawai/topology/create";
pub(super) const CHANGE: &str = "valawai/topology/change";

const WHAT: &str = "create topology connection";
const ACTIONS: [&str; 3] = ["ENABLE", "DISABLE", "REMOVE"];

/// The message that asks for a connection.
pub(super) fn creation(source: &End, target: &End, enabled: bool) -> Json {
    Members::new()
        .with("source", source.to_payload())
        .with("target", target.to_payload())
        .bool("enabled", enabled)
        .object()
}

/// The message that changes one.
pub(super) fn change_of(action: &str, connection: &Id) -> Json {
    Members::new().text("action", action).text("connection_id", connection.as_str()).object()
}

pub(super) fn create(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    let request = Request::read(payload).map_err(Dropped::invalid(WHAT))?;
    check(world, &request).map_err(|reason| Dropped::because(WHAT, reason))?;
    let connection = Connection::new(request.source, request.target);
    let id = connection.id.clone();
    world.add_connection(connection);
    world.logs.say("INFO", format!("Created the connection {id}."), payload);
    if request.enabled {
        world.publish(CHANGE, &change_of("ENABLE", &id));
    }
    Ok(())
}

struct Request {
    source: End,
    target: End,
    enabled: bool,
    converted: bool,
}

impl Request {
    fn read(payload: &Json) -> Result<Self, Invalid> {
        let fields = Fields(payload);
        Ok(Self {
            source: read_end(&fields.required_object("source")?)?,
            target: read_end(&fields.required_object("target")?)?,
            enabled: fields.flag("enabled")?,
            converted: fields.text("converter_js_code")?.is_some(),
        })
    }
}

fn read_end(fields: &Fields<'_>) -> Result<End, Invalid> {
    Ok(End { component: fields.required_id("component_id")?, channel: fields.required_text("channel_name")? })
}

/// The words are the MOV's. It does not care whether the components are finished by now.
fn check(world: &World, request: &Request) -> Result<(), &'static str> {
    let source = world.component(&request.source.component).ok_or("The source component is not defined")?;
    let publish =
        source.publishes(&request.source.channel).ok_or("The source component does not publish on the channel name")?;
    let target = world.component(&request.target.component).ok_or("The target component is not defined")?;
    let subscribe = target
        .subscribes(&request.target.channel)
        .ok_or("The target component does not subscribe on the channel name")?;
    if !request.converted && matches(publish, Some(subscribe)) != Ok(true) {
        return Err("The source payload does not match the target payload.");
    }
    let same = |known: &Connection| !known.deleted && known.source == request.source && known.target == request.target;
    if world.connections.iter().any(same) { Err("Cannot store the connection") } else { Ok(()) }
}

pub(super) fn change(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    let fields = Fields(payload);
    let read =
        |fields: &Fields<'_>| Ok((fields.required_enum("action", &ACTIONS)?, fields.required_id("connection_id")?));
    let (action, id) = read(&fields).map_err(Dropped::invalid("change topology"))?;
    let Some(connection) = world.connections.iter_mut().find(|connection| connection.id == id) else {
        let log = "Received change topology payload for an undefined connection.".to_owned();
        return Err(Dropped { log, reason: format!("unknown connection {id}") });
    };
    let queue = connection.source.channel.clone();
    let ends = format!("from '{queue}' to '{}'", connection.target.channel);
    // What does not change anything is an error in the log, and acknowledged all the same.
    let done = apply(action, connection);
    let verb = action.to_ascii_lowercase();
    let (level, message) = if done {
        ("INFO", format!("{}d the connection {id} ( {ends})", capitalized(&verb)))
    } else {
        ("ERROR", format!("Cannot {verb} the connection {id} ( {ends})"))
    };
    world.logs.say(level, message, payload);
    let carried = world.connections.iter().any(|connection| connection.carries(&queue));
    // Enabling a deleted connection opens the queue, although nothing leads out of it.
    if done && action == "ENABLE" {
        world.listen(&queue, enabling(world, &id));
    } else if !carried {
        world.stop_listening(&queue, if action == "REMOVE" { Closing::Removed } else { Closing::Disabled });
    }
    Ok(())
}

/// Whether a connection is another's heir: a component registered anew, and the same channels are connected again.
fn enabling(world: &World, id: &Id) -> Enabling {
    let channels = |connection: &Connection| (connection.source.channel.clone(), connection.target.channel.clone());
    let mine = world.connections.iter().find(|connection| connection.id == *id).map(channels);
    let heirs = world.connections.iter().filter(|connection| connection.id != *id);
    if heirs.map(channels).any(|theirs| Some(theirs) == mine) { Enabling::Anew } else { Enabling::Fresh }
}

fn apply(action: &str, connection: &mut Connection) -> bool {
    let (flag, value) = match action {
        "ENABLE" => (&mut connection.enabled, true),
        "DISABLE" => (&mut connection.enabled, false),
        _ => (&mut connection.deleted, true),
    };
    let changes = *flag != value;
    *flag = value;
    connection.updated = now();
    changes
}

fn capitalized(word: &str) -> String {
    word[..1].to_ascii_uppercase() + &word[1..]
}
