//! Prints components and connections.

use super::view::{Connection, View};
use crate::commands::console::{Cell, GREEN, Table, YELLOW};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;

pub(super) fn components(invocation: &Invocation, view: &View<'_>, pattern: Option<&str>) -> Result<Exit, Stop> {
    let console = &invocation.console;
    let components = view.components(pattern)?;
    if console.is_json() {
        components.iter().try_for_each(|component| console.object(component))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["id", "type", "name", "description"]);
    for component in &components {
        table.row([&component.id, &component.level, &component.name, &component.description].map(Cell::text));
    }
    if !components.is_empty() {
        console.table(&table)?;
    }
    console.note(format!("{} registered components", components.len()));
    Ok(Exit::Done)
}

pub(super) fn connections(invocation: &Invocation, view: &View<'_>, pattern: Option<&str>) -> Result<Exit, Stop> {
    let console = &invocation.console;
    let connections = view.connections(pattern)?;
    if console.is_json() {
        connections.iter().try_for_each(|connection| console.object(connection))?;
    } else if !connections.is_empty() {
        let mut table = Table::new(["id", "state", "source", "target", "observed by"]);
        for connection in &connections {
            table.row(row(connection));
        }
        console.table(&table)?;
    }
    if !console.is_json() {
        console.note(format!("{} connections", connections.len()));
    }
    if view.rest().is_none() && !connections.is_empty() {
        console.note("removed connections may be among them: only the REST interface tells, with MOV_URL");
    }
    Ok(Exit::Done)
}

fn row(connection: &Connection) -> [Cell; 5] {
    let Connection { id, enabled, source, target, notifications } = connection;
    let state = if *enabled { Cell::text("enabled").styled(GREEN) } else { Cell::text("disabled").styled(YELLOW) };
    let observers = notifications.iter().map(|it| {
        let state = if it.enabled { "" } else { " (disabled)" };
        format!("{}{state}", it.target.channel)
    });
    let observers = Cell::text(observers.collect::<Vec<_>>().join(", "));
    [Cell::text(id), state, Cell::text(&source.channel), Cell::text(&target.channel), observers]
}
