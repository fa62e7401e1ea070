//! `valawai/log/add`: log entries of components.

use super::Rejection;
use crate::console;
use crate::contract::fields::{Fields, InvalidField};
use crate::json::Json;
use crate::object_id::ObjectId;
use crate::state::MovState;
use crate::state::logs::LEVELS;

pub(super) const QUEUE: &str = "valawai/log/add";

pub(super) fn handle(state: &mut MovState, payload: &Json) -> Result<(), Rejection> {
    let entry = NewEntry::from_payload(payload).map_err(Rejection::invalid("add log"))?;
    let component = entry.component.as_ref().and_then(|id| state.component(id));
    let name = component.map_or("an unregistered component", |component| &component.name);
    let NewEntry { level, message, payload, .. } = &entry;
    console::print(&format!("{level} from {name}: {message} {}", payload.as_deref().unwrap_or_default()));
    state.logs.add(entry.level, entry.message, entry.payload, entry.component);
    Ok(())
}

struct NewEntry {
    level: &'static str,
    message: String,
    payload: Option<String>,
    component: Option<ObjectId>,
}

impl NewEntry {
    fn from_payload(payload: &Json) -> Result<Self, InvalidField> {
        let fields = Fields(payload);
        Ok(Self {
            level: fields.required_enum("level", &LEVELS)?,
            message: fields.required_text("message")?,
            payload: fields.text("payload")?,
            component: fields.id("component_id")?,
        })
    }
}
