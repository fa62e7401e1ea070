//! `valawai/topology/notification/create` and `…/change`: which C2 components are told of the messages of a connection.

use super::topology::{ACTIONS, read_end};
use super::{Dropped, Json, World};
use crate::component::{Component, is_word};
use crate::connection::{Connection, End, Notification};
use crate::envelope;
use crate::json::Members;
use crate::matching::matches;
use crate::payload::{Fields, Invalid};
use crate::schema::Schema;

pub(super) const CREATE: &str = "valawai/topology/notification/create";

const WHAT: &str = "create notification";

pub(super) fn create(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    let request = Request::read(payload).map_err(Dropped::invalid(WHAT))?;
    check(world, &request).map_err(|reason| Dropped::because(WHAT, reason))?;
    let notification = Notification { target: request.target, enabled: request.enabled };
    if let Some(connection) = world.connections.iter_mut().find(|it| it.id.as_str() == request.connection) {
        connection.notify(notification);
    }
    world.logs.say("DEBUG", "Created notification".to_owned(), Some(payload));
    Ok(())
}

struct Request {
    connection: String,
    target: End,
    enabled: bool,
}

impl Request {
    fn read(payload: &Json) -> Result<Self, Invalid> {
        let fields = Fields(payload);
        Ok(Self {
            connection: fields.required_id("connection_id")?.to_string(),
            target: read_end(&fields.required_object("target")?)?,
            enabled: fields.flag("enabled")?,
        })
    }
}

/// What a C2 component understands may be the envelope, or the message itself.
fn check(world: &World, request: &Request) -> Result<(), &'static str> {
    let target = world.component(&request.target.component).ok_or("The target component is not defined")?;
    let subscribe = target
        .subscribes(&request.target.channel)
        .ok_or("The target component does not subscribe on the channel name")?;
    let live = |connection: &&Connection| connection.id.as_str() == request.connection && !connection.deleted;
    let connection = world.connections.iter().find(live).ok_or("The connection is not defined")?;
    let message = published(world, connection).ok_or("The source component is not defined")?;
    let understands = |schema: &Schema| matches(schema, Some(subscribe)) == Ok(true);
    if understands(message) || understands(&envelope::schema(message)) {
        Ok(())
    } else {
        Err("The message of the connection is not compatible with the target")
    }
}

fn published<'w>(world: &'w World, connection: &Connection) -> Option<&'w Schema> {
    world.component(&connection.source.component)?.publishes(&connection.source.channel)
}

pub(super) fn change(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    let fields = Fields(payload);
    let read = || {
        let action = fields.required_enum("action", &ACTIONS)?;
        Ok((action, fields.required_id("connection_id")?, read_end(&fields.required_object("target")?)?))
    };
    let (action, id, target) = read().map_err(Dropped::invalid("change notification"))?;
    let connection = world.connections.iter_mut().find(|connection| connection.id == id && !connection.deleted);
    let found = connection.and_then(|connection| {
        let index = connection.notifications.iter().position(|notification| notification.target == target)?;
        Some((connection, index))
    });
    let Some((connection, index)) = found else {
        let log = "Cannot changed notification, because it is not defined.".to_owned();
        return Err(Dropped { log, reason: "unknown notification".to_owned() });
    };
    if action == "REMOVE" {
        connection.notifications.remove(index);
    } else {
        connection.notifications[index].enabled = action == "ENABLE";
    }
    world.logs.say("DEBUG", "Changed notification".to_owned(), Some(payload));
    Ok(())
}

/// Whom a new connection tells at once: each C2 component that has a channel of the right name for it, also one that has
/// unregistered.
pub(super) fn targets_of(world: &World, connection: &Connection) -> Vec<Notification> {
    let Some(message) = published(world, connection) else { return Vec::new() };
    let envelope = envelope::schema(message);
    let targets = world.registrations().iter().filter(|component| component.kind == "C2").flat_map(|component| {
        let listens = |name: &str| matches(&envelope, component.subscribes(name)) == Ok(true);
        let names = component.channels.iter().map(|channel| channel.name.as_str());
        names
            .filter(|name| is_notification_name(name) && listens(name))
            .map(|name| end(component, name))
            .collect::<Vec<_>>()
    });
    targets.map(|target| Notification { target, enabled: true }).collect()
}

/// Whom the connections tell that were there before it: nobody, until somebody enables what is asked for here.
pub(super) fn discover_for(world: &mut World, component: &Component) {
    let mut requests = Vec::new();
    for connection in world.connections.iter().filter(|connection| !connection.deleted) {
        let Some(message) = published(world, connection) else { continue };
        let envelope = envelope::schema(message);
        let listening =
            component.notification_channels().filter(|it| matches(&envelope, it.subscribe.as_ref()) == Ok(true));
        requests.extend(listening.map(|channel| {
            let target = end(component, &channel.name).to_payload();
            Members::new().text("connection_id", connection.id.as_str()).with("target", target).object()
        }));
    }
    for request in requests {
        world.publish(CREATE, &request);
    }
}

fn end(component: &Component, channel: &str) -> End {
    End { component: component.id.clone(), channel: channel.to_owned() }
}

/// `valawai/c2/\w+/control/\w+`
fn is_notification_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    matches!(parts.as_slice(), ["valawai", "c2", word, "control", other] if is_word(word) && is_word(other))
}
