//! The log of the MOV: what it and the components have logged.

use std::time::Duration;

use serde_json::Value;

use super::view::{View, encoded, text_of};
use crate::commands::console::{Console, DIM, RED, YELLOW};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::time::format_time;
use crate::mov::rest::RestClient;

/// How often the MOV is asked for new entries.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// How many new entries are fetched at a time. If more are added, the oldest of them are skipped, which is said.
const MAX_NEW: u64 = 1000;

/// Which entries are printed.
pub(in crate::commands) struct Query<'q> {
    /// A pattern of the MOV, for the message.
    pub(in crate::commands) pattern: Option<&'q str>,
    /// One level.
    pub(in crate::commands) level: Option<&'q str>,
    /// How many of those that exist, at most.
    pub(in crate::commands) count: u32,
    /// Whether new ones are printed as well, until Ctrl-C.
    pub(in crate::commands) follow: bool,
    /// A condition that the MOV does not know.
    pub(in crate::commands) is_wanted: &'q dyn Fn(&Value) -> bool,
}

/// Prints the end of the MOV's log, and what is added. The MOV has `limit` to answer.
pub(in crate::commands) fn show(invocation: &Invocation, limit: Duration, query: &Query<'_>) -> Result<Exit, Stop> {
    let view = View::new(invocation, limit)?;
    let no_url = || Stop::new(Exit::Settings, "MOV_URL is not set: only the MOV's REST interface tells its log");
    let rest = view.rest().ok_or_else(no_url)?;
    let (mut entries, mut total) = fetch(rest, query, u64::from(query.count.max(1)))?;
    loop {
        // The newest come first.
        for entry in entries.iter().rev().filter(|entry| (query.is_wanted)(entry)) {
            print(&invocation.console, entry)?;
        }
        if !query.follow {
            return Ok(Exit::Done);
        }
        invocation.pause(FOLLOW_INTERVAL);
        if invocation.is_interrupted() {
            // That is how it ends.
            return Ok(Exit::Done);
        }
        let before = total;
        total = fetch(rest, query, 1)?.1;
        let added = total.saturating_sub(before);
        if added > MAX_NEW {
            invocation.console.note(format!("{} entries were skipped", added - MAX_NEW));
        }
        entries = if added > 0 { fetch(rest, query, added.min(MAX_NEW))?.0 } else { Vec::new() };
    }
}

/// The newest entries, and how many there are.
fn fetch(rest: &RestClient, query: &Query<'_>, limit: u64) -> Result<(Vec<Value>, u64), Stop> {
    let parameters = [("pattern", query.pattern), ("level", query.level)];
    let parameters = parameters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value?))));
    let path = format!("/v1/logs?order=-timestamp&offset=0&limit={limit}{}", parameters.collect::<String>());
    let page = rest.fetch(&path).map_err(Stop::timed_out)?.unwrap_or_default();
    let entries = page.get("logs").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok((entries, page.get("total").and_then(Value::as_u64).unwrap_or_default()))
}

fn print(console: &Console, entry: &Value) -> Result<(), Stop> {
    if console.is_json() {
        return console.object(entry).map_err(Stop::from);
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
    let component = component.map(|name| format!(" {}:", Console::clean(name))).unwrap_or_default();
    let message = text("message").unwrap_or_default();
    let level = console.paint(style, format!("{level:5}"));
    console.line(format!("{time} {level}{component} {message}"))?;
    if let Some(payload) = text_of(entry, "payload") {
        // The MOV indents it.
        let payload = payload.split_whitespace().collect::<Vec<_>>().join(" ");
        console.line(format!("    {}", console.paint(DIM, Console::clean(payload))))?;
    }
    Ok(())
}
