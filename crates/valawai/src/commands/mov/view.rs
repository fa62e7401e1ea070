//! What the MOV knows, by its REST interface or by its queues.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::queues::Queues;
use crate::clock;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::mov::payloads;
use crate::mov::rest::RestClient;
use crate::name::Id;

/// How many items are requested at a time, and how many in all.
const PAGE: usize = 100;
const MAX_ITEMS: usize = 100_000;

/// How often the MOV is asked whether a change shows.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// A registered component.
#[derive(Debug, Serialize)]
pub(super) struct Component {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) level: String,
    pub(super) description: String,
}

/// A connection.
#[derive(Debug, Serialize)]
pub(super) struct Connection {
    pub(super) id: String,
    pub(super) enabled: bool,
    pub(super) source: Endpoint,
    pub(super) target: Endpoint,
    /// Who observes it. Lists of the REST interface do not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notifications: Vec<Notification>,
}

/// A channel of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Endpoint {
    /// Lists of the REST interface do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<String>,
    pub(super) channel: String,
}

/// A channel of a C2 component that observes a connection.
#[derive(Debug, Serialize)]
pub(super) struct Notification {
    pub(super) target: Endpoint,
    pub(super) enabled: bool,
}

pub(super) struct View<'i> {
    invocation: &'i Invocation,
    rest: Option<RestClient>,
    pub(super) queues: Queues<'i>,
    timeout: Duration,
}

impl<'i> View<'i> {
    pub(super) fn new(invocation: &'i Invocation, timeout: Duration) -> Result<Self, Stop> {
        let url = invocation.settings()?.mov_url;
        let rest = url.map(|url| RestClient::with_timeout(&url, timeout));
        Ok(Self { invocation, rest, queues: Queues::new(invocation, timeout), timeout })
    }

    pub(super) fn rest(&self) -> Option<&RestClient> {
        self.rest.as_ref()
    }

    /// The live components whose name or description is `pattern`.
    pub(super) fn components(&self, pattern: Option<&str>) -> Result<Vec<Component>, Stop> {
        let items = if let Some(rest) = &self.rest {
            list(rest, "/v1/components", "components", pattern)?
        } else {
            let query = pattern.map(|pattern| ("pattern".to_owned(), pattern.into())).into_iter().collect();
            self.queues.query_all(payloads::QUERY, payloads::PAGE, "components", &query)?
        };
        let text = |item: &Value, name| text_of(item, name).unwrap_or_default();
        let component = |item: &Value| Component {
            id: text(item, "id"),
            name: text(item, "name"),
            level: text(item, "type"),
            description: text(item, "description"),
        };
        Ok(items.iter().map(component).collect())
    }

    /// The connections with a channel that is `pattern`. By queues, removed ones are among them.
    pub(super) fn connections(&self, pattern: Option<&str>) -> Result<Vec<Connection>, Stop> {
        if let Some(rest) = &self.rest {
            let items = list(rest, "/v1/topology/connections", "connections", pattern)?;
            return Ok(items.iter().map(connection).collect());
        }
        self.connections_by_queue(pattern)
    }

    pub(super) fn connections_by_queue(&self, pattern: Option<&str>) -> Result<Vec<Connection>, Stop> {
        let mut found: Vec<Connection> = Vec::new();
        // A query can ask for one end only, or for both.
        let ends: &[Option<&str>] =
            if pattern.is_some() { &[Some("source_channel_name"), Some("target_channel_name")] } else { &[None] };
        for end in ends {
            let field = end.zip(pattern).map(|(end, pattern)| (end.to_owned(), pattern.into()));
            let mut query: Map<String, Value> = field.into_iter().collect();
            // Pages of an order that changes could miss some.
            query.insert("order".to_owned(), "createTimestamp".into());
            let (queue, answers) = (payloads::TOPOLOGY_QUERY, payloads::TOPOLOGY_PAGE);
            for item in self.queues.query_all(queue, answers, "connections", &query)? {
                let connection = connection(&item);
                if !found.iter().any(|other| other.id == connection.id) {
                    found.push(connection);
                }
            }
        }
        Ok(found)
    }

    /// A connection. By queues, it may be removed.
    pub(super) fn connection(&self, id: &Id) -> Result<Option<Connection>, Stop> {
        match &self.rest {
            Some(rest) => {
                let item = rest.fetch(&format!("/v1/topology/connections/{id}")).map_err(Stop::timed_out)?;
                Ok(item.as_ref().map(connection))
            }
            None => self.connection_by_queue(id),
        }
    }

    pub(super) fn connection_by_queue(&self, id: &Id) -> Result<Option<Connection>, Stop> {
        Ok(self.connections_by_queue(None)?.into_iter().find(|connection| connection.id == id.as_str()))
    }

    /// Waits until `check` finds something. If it does not, fails with the MOV's reason, or with `what` was waited for.
    pub(super) fn wait_for<T>(
        &self,
        what: &str,
        reason: impl Fn(&str) -> bool,
        mut check: impl FnMut() -> Result<Option<T>, Stop>,
    ) -> Result<T, Stop> {
        let (start, since) = (Instant::now(), clock::seconds());
        loop {
            if let Some(found) = check()? {
                return Ok(found);
            }
            if let Some(reason) = self.error_since(since, &reason)? {
                return Err(Stop::no(format!("the MOV refused: {reason}")));
            }
            if self.invocation.is_interrupted() {
                return Err(Stop::new(
                    Exit::Interrupted,
                    format!("stopped before {what} has shown; the MOV may still do it"),
                ));
            }
            if start.elapsed() > self.timeout {
                let seconds = self.timeout.as_secs_f64();
                let remedy = if self.rest.is_some() {
                    "see `mov logs`"
                } else {
                    "its log tells why, see `mov logs` with MOV_URL"
                };
                return Err(Stop::timed_out(format!("{what} has not shown within {seconds} s: {remedy}")));
            }
            self.invocation.pause(POLL_INTERVAL);
        }
    }

    /// An error in the MOV's log for which `is_reason`, if the log can be read.
    fn error_since(&self, since: u64, is_reason: impl Fn(&str) -> bool) -> Result<Option<String>, Stop> {
        let Some(rest) = &self.rest else { return Ok(None) };
        let page = rest.fetch("/v1/logs?level=ERROR&order=-timestamp&limit=20").map_err(Stop::timed_out)?;
        let entries = page.as_ref().and_then(|page| page.get("logs")?.as_array()).cloned().unwrap_or_default();
        // The clocks may differ by a moment.
        let is_new =
            |entry: &&Value| entry.get("timestamp").and_then(Value::as_u64).is_some_and(|time| time + 1 >= since);
        let mut messages = entries.iter().filter(is_new).filter_map(|entry| text_of(entry, "message"));
        Ok(messages.find(|message| is_reason(message)))
    }
}

fn list(rest: &RestClient, path: &str, name: &str, pattern: Option<&str>) -> Result<Vec<Value>, Stop> {
    let pattern = pattern.map(|pattern| format!("&pattern={}", encoded(pattern))).unwrap_or_default();
    all_pages(name, |offset, limit| {
        let page = rest.fetch(&format!("{path}?offset={offset}&limit={limit}{pattern}")).map_err(Stop::timed_out)?;
        page.ok_or_else(|| Stop::no(format!("the MOV has no {path}: is MOV_URL right?")))
    })
}

/// All items of `list`, which comes in pages.
pub(super) fn all_pages(
    list: &str,
    mut page: impl FnMut(usize, usize) -> Result<Value, Stop>,
) -> Result<Vec<Value>, Stop> {
    let mut items = Vec::new();
    loop {
        let page = page(items.len(), PAGE)?;
        let new = page.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let is_last = new.len() < PAGE;
        items.extend(new);
        if is_last || items.len() >= MAX_ITEMS {
            return Ok(items);
        }
    }
}

/// A connection, in any of the MOV's three forms.
fn connection(item: &Value) -> Connection {
    let is_enabled = |item: &Value| item.get("enabled").and_then(Value::as_bool).unwrap_or_default();
    let end = |name: &str| endpoint(item.get(name).unwrap_or(&Value::Null));
    let stored = item.get("notifications").and_then(Value::as_array).into_iter().flatten();
    let stored = stored.map(|it| Notification { target: endpoint(&it["target"]), enabled: is_enabled(it) });
    let active = item.get("subscriptions").and_then(Value::as_array).into_iter().flatten();
    let active = active.map(|it| Notification { target: endpoint(it), enabled: true });
    Connection {
        id: text_of(item, "id").unwrap_or_default(),
        enabled: is_enabled(item),
        source: end("source"),
        target: end("target"),
        notifications: stored.chain(active).collect(),
    }
}

fn endpoint(item: &Value) -> Endpoint {
    let component = text_of(item, "component_id").or_else(|| text_of(item.get("component")?, "id"));
    let channel = text_of(item, "channel_name")
        .or_else(|| text_of(item.get("channel")?, "name"))
        .or_else(|| item.as_str().map(str::to_owned));
    Endpoint { component, channel: channel.unwrap_or_default() }
}

pub(super) fn text_of(item: &Value, name: &str) -> Option<String> {
    item.get(name)?.as_str().map(str::to_owned)
}

/// A value in the query of a URL.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
