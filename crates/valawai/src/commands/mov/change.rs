//! Enables, disables and removes connections.

use serde_json::json;

use super::request;
use super::view::{Connection, View};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::mov::payloads::{Action, ChangeTopology, TOPOLOGY_CHANGE};
use crate::name::Id;

pub(super) fn change(invocation: &Invocation, view: &View<'_>, id: &Id, action: Action) -> Result<Exit, Stop> {
    let console = &invocation.console;
    let found = view.connection(id)?.ok_or_else(|| Stop::no(format!("the MOV has no connection {id}")))?;
    let (verb, done) = words(action);
    // The MOV's log would have an error.
    if is_done(Some(&found), action) {
        return report(invocation, id, done, false);
    }
    let what = format!("from {} to {}", found.source.channel, found.target.channel);
    if invocation.dry_run {
        console.note(format!("would {verb} the connection {what}"));
        return Ok(Exit::Done);
    }
    if action == Action::Remove {
        console.confirm(&format!("Removes the connection {id} {what}."), &invocation.shutdown)?;
    }
    view.queues.require_mov(TOPOLOGY_CHANGE)?;
    let body = serde_json::to_value(ChangeTopology { action, connection_id: id }).unwrap_or_default();
    request::send(invocation, view.queues.operator()?, TOPOLOGY_CHANGE, &body)?;
    if action == Action::Remove && view.rest().is_none() {
        console.note(format!(
            "requested to remove the connection {id}; only the REST interface tells when it is, with MOV_URL"
        ));
        return Ok(Exit::Done);
    }
    view.wait_for(
        &format!("that the connection {id} is {done}"),
        |message| message.contains(id.as_str()),
        || Ok(is_done(view.connection(id)?.as_ref(), action).then_some(())),
    )?;
    report(invocation, id, done, true)
}

fn report(invocation: &Invocation, id: &Id, done: &str, has_changed: bool) -> Result<Exit, Stop> {
    if invocation.console.is_json() {
        invocation.console.object(&json!({"connection": id, "state": done, "changed": has_changed}))?;
    } else {
        let already = if has_changed { "" } else { "already " };
        invocation.console.line(format!("the connection {id} is {already}{done}"))?;
    }
    Ok(Exit::Done)
}

fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Enable => ("enable", "enabled"),
        Action::Disable => ("disable", "disabled"),
        Action::Remove => ("remove", "removed"),
    }
}

fn is_done(connection: Option<&Connection>, action: Action) -> bool {
    match action {
        Action::Enable => connection.is_some_and(|connection| connection.enabled),
        Action::Disable => connection.is_some_and(|connection| !connection.enabled),
        Action::Remove => connection.is_none(),
    }
}
