//! Lets C2 components observe a connection.

use serde_json::json;

use super::connect::EndpointArgument;
use super::request;
use super::view::{Endpoint, Notification, View};
use crate::commands::console::Console;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::mov::payloads::{NOTIFICATION_CHANGE, NOTIFICATION_CREATE};
use crate::name::Id;

/// The notifications are read by queue: the REST interface does not tell those that are disabled.
pub(super) fn notify(
    invocation: &Invocation,
    view: &View<'_>,
    id: &Id,
    channel: Option<&EndpointArgument>,
    enabled: bool,
) -> Result<Exit, Stop> {
    let found = view.connection_by_queue(id)?.ok_or_else(|| Stop::no(format!("the MOV has no connection {id}")))?;
    let targets = match channel {
        Some(channel) => vec![channel.resolve(view)?],
        None => found.notifications.iter().map(|notification| notification.target.clone()).collect(),
    };
    if targets.is_empty() {
        return Err(Stop::no(format!("no component may observe the connection {id}; to let one, add its channel")));
    }
    for target in targets {
        if invocation.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
        let state = found.notifications.iter().find(|notification| notification.target == target);
        notify_one(invocation, view, id, (&target, state), enabled)?;
    }
    Ok(Exit::Done)
}

fn notify_one(
    invocation: &Invocation,
    view: &View<'_>,
    id: &Id,
    (target, state): (&Endpoint, Option<&Notification>),
    enabled: bool,
) -> Result<(), Stop> {
    let console = &invocation.console;
    let end = json!({"component_id": target.component, "channel_name": target.channel});
    let (queue, body) = match state {
        Some(state) if state.enabled == enabled => return report(invocation, id, target, enabled, false),
        None if !enabled => return report(invocation, id, target, enabled, false),
        None => (NOTIFICATION_CREATE, json!({"connection_id": id, "target": end, "enabled": true})),
        Some(_) => {
            let action = if enabled { "ENABLE" } else { "DISABLE" };
            (NOTIFICATION_CHANGE, json!({"action": action, "connection_id": id, "target": end}))
        }
    };
    if invocation.dry_run {
        let verb = if enabled { "notify" } else { "no longer notify" };
        console.note(format!("would {verb} {} of the connection {id}", target.channel));
        return Ok(());
    }
    view.queues.require_mov(queue)?;
    request::send(invocation, view.queues.operator()?, queue, &body)?;
    view.wait_for(
        "the change",
        |message| message.contains("notification"),
        || {
            let connection = view.connection_by_queue(id)?;
            let state = connection.as_ref().and_then(|it| it.notifications.iter().find(|it| it.target == *target));
            Ok(state.is_some_and(|state| state.enabled == enabled).then_some(()))
        },
    )?;
    report(invocation, id, target, enabled, true)
}

fn report(invocation: &Invocation, id: &Id, target: &Endpoint, enabled: bool, has_changed: bool) -> Result<(), Stop> {
    let console = &invocation.console;
    if console.is_json() {
        let object = json!({"connection": id, "target": target, "enabled": enabled, "changed": has_changed});
        return Ok(console.object(&object)?);
    }
    let already = if has_changed { "" } else { "already " };
    let verb = if enabled { "notified" } else { "not notified" };
    Ok(console.line(format!("{} is {already}{verb} of the connection {id}", Console::clean(&target.channel)))?)
}
