//! Prints components, connections and the MOV's log.

use serde_json::Value;

use super::view::{Connection, View, encoded, text_of};
use crate::commands::console::{Cell, Console, DIM, GREEN, RED, Table, YELLOW};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::time::format_time;

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

pub(super) fn logs(
    invocation: &Invocation,
    view: &View<'_>,
    pattern: Option<&str>,
    level: Option<&str>,
    count: u32,
) -> Result<Exit, Stop> {
    let console = &invocation.console;
    let no_url = || Stop::new(Exit::Settings, "MOV_URL is not set: only the MOV's REST interface tells its log");
    let rest = view.rest().ok_or_else(no_url)?;
    let parameters = [("pattern", pattern), ("level", level)];
    let parameters = parameters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value?))));
    let path = format!("/v1/logs?order=-timestamp&offset=0&limit={}{}", count.max(1), parameters.collect::<String>());
    let page = rest.fetch(&path).map_err(Stop::timed_out)?.unwrap_or_default();
    let entries = page.get("logs").and_then(Value::as_array).cloned().unwrap_or_default();
    // The newest come first.
    for entry in entries.iter().rev() {
        if console.is_json() {
            console.object(entry)?;
            continue;
        }
        let text = |name| text_of(entry, name).map(Console::clean);
        let level = text("level").unwrap_or_default();
        let style = match level.as_str() {
            "ERROR" => RED,
            "WARN" => YELLOW,
            _ => DIM,
        };
        let time = entry.get("timestamp").and_then(Value::as_u64).map(format_time).unwrap_or_default();
        let component = entry.get("component").and_then(|component| text_of(component, "name"));
        let component = component.map(|name| format!(" {}:", Console::clean(name)));
        let message = text("message").unwrap_or_default();
        let level = console.paint(style, format!("{level:5}"));
        console.line(format!("{time} {level}{} {message}", component.unwrap_or_default()))?;
        if let Some(payload) = text_of(entry, "payload") {
            // The MOV indents it.
            let payload = payload.split_whitespace().collect::<Vec<_>>().join(" ");
            console.line(format!("    {}", console.paint(DIM, Console::clean(payload))))?;
        }
    }
    Ok(Exit::Done)
}
