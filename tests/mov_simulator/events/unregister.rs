//! `valawai/component/unregister`: the only way to be forgotten while the MOV runs.

use super::topology::{CHANGE, change_of};
use super::{Dropped, Json, World};
use crate::payload::Fields;

pub(super) fn handle(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    world.counts.unregisters += 1;
    // The MOV's own words, although nobody wants to register here.
    let id = Fields(payload).required_id("component_id").map_err(Dropped::invalid("register component"))?;
    let Some(component) = world.live_component_mut(&id) else {
        world.counts.unknown_unregisters += 1;
        let log = format!("Cannot unregister the undefined component {id}.");
        return Err(Dropped { log, reason: "unknown or already finished".to_owned() });
    };
    component.finished = true;
    let name = component.name.clone();
    let touched = world.connections.iter().filter(|connection| connection.touches(&id));
    let removals: Vec<Json> = touched.map(|connection| change_of("REMOVE", &connection.id)).collect();
    for removal in removals {
        world.publish(CHANGE, &removal);
    }
    crate::journal::tell(&format!("Unregistered {id} {name}"));
    world.logs.note("INFO", format!("Unregistered the component {id}."), payload);
    Ok(())
}
