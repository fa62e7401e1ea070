//! `valawai/log/add`: what components have to say.

use super::{Dropped, Json, World};
use crate::journal;
use crate::logs::LEVELS;
use crate::payload::{Fields, Invalid};

pub(super) fn handle(world: &mut World, payload: &Json) -> Result<(), Dropped> {
    add(world, &Fields(payload)).map_err(Dropped::invalid("add log"))
}

fn add(world: &mut World, fields: &Fields<'_>) -> Result<(), Invalid> {
    let level = fields.required_enum("level", &LEVELS)?;
    let message = fields.required_text("message")?;
    let payload = fields.text("payload")?;
    let component = fields.id("component_id")?;
    let from = world.name_of(component.as_ref());
    journal::tell(&format!("{level} from {from}: {message} {}", payload.as_deref().unwrap_or_default()));
    world.logs.add(level, message, payload, component);
    Ok(())
}
