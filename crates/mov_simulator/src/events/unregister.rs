//! `valawai/component/unregister`: finishes a registration. Nothing else does while the MOV runs.

use super::Rejection;
use super::topology::{CHANGE, change_payload};
use crate::console;
use crate::contract::fields::Fields;
use crate::json::{Json, ObjectBuilder};
use crate::object_id::ObjectId;
use crate::state::MovState;

pub(crate) const QUEUE: &str = "valawai/component/unregister";

/// The message that unregisters a component.
pub(crate) fn payload(id: &str) -> Json {
    ObjectBuilder::new().string("component_id", id).build()
}

pub(super) fn handle(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    state.counts.unregisters += 1;
    // The real MOV's log says "register", too.
    let id = Fields(payload).required_id("component_id").map_err(Rejection::invalid("register component"))?;
    let Some(component) = state.live_component_mut(&id) else {
        state.counts.unknown_unregisters += 1;
        let log_message = format!("Cannot unregister the undefined component {id}.");
        return Err(Rejection { log_message, reason: "unknown or already finished".to_owned() });
    };
    component.is_finished = true;
    console::print(&format!("Unregistered {id} {}", component.name));
    remove_from_topology(state, &id);
    state.logs.add_own("INFO", format!("Unregistered the component {id}."), Some(payload));
    Ok(())
}

/// Removes the existing notifications of the component, and requests the removal of its connections. Connections that are
/// created later notify the finished component again.
fn remove_from_topology(state: &mut MovState, id: &ObjectId) {
    for connection in &mut state.connections {
        connection.notifications.retain(|notification| notification.target.component != *id);
    }
    let involved = state.connections.iter().filter(|connection| !connection.is_deleted && connection.involves(id));
    let removals: Vec<Json> = involved.map(|connection| change_payload("REMOVE", &connection.id)).collect();
    for removal in removals {
        state.publish(CHANGE, &removal);
    }
}
