//! What the MOV tells of itself, and what only the simulator does.

use std::collections::BTreeMap;

use super::component::Component;
use super::connection::Connection;
use super::json::{Json, Members};
use super::logs::Entry;
use super::world::{Counts, Refusal, World};

pub(crate) fn log_entry(entry: &Entry, world: &World) -> Json {
    let component = entry.component.as_ref().and_then(|id| world.component(id));
    Members::new()
        .text("level", entry.level)
        .text("message", &entry.message)
        .optional("payload", entry.payload.as_deref())
        .with("component", component.map_or(Json::Null, Component::to_summary))
        .number("timestamp", entry.timestamp)
        .object()
}

/// All that a test wants to know. Unlike the MOV's own answers it has every member, the empty ones too.
pub(crate) fn simulator(world: &World) -> Json {
    let registrations = world.registrations().iter().map(registration).collect();
    let live = world.live().map(registration).collect();
    let client = &world.shared_client;
    Json::Object(vec![
        ("connected".to_owned(), Json::Bool(world.is_consuming && (client.is_connected() || client.has_given_up()))),
        ("given_up".to_owned(), Json::Bool(client.has_given_up())),
        ("reconnects".to_owned(), Json::number(client.reconnects())),
        ("live".to_owned(), Json::Array(live)),
        ("registrations".to_owned(), Json::Array(registrations)),
        ("connections".to_owned(), Json::Array(world.connections.iter().map(connection).collect())),
        ("refusals".to_owned(), Json::Array(world.refusals.iter().map(refusal).collect())),
        ("poisoned".to_owned(), reasons(texts(&world.poisoned))),
        ("unready".to_owned(), reasons(texts(&world.unready))),
        ("sinks".to_owned(), reasons(texts(&world.sinks))),
        ("dead_taps".to_owned(), reasons(client.taps.dead())),
        ("forwarded".to_owned(), Json::number(world.forwarded)),
        ("counts".to_owned(), counts(&world.counts)),
        ("logs".to_owned(), Json::number(world.logs.total())),
    ])
}

fn registration(component: &Component) -> Json {
    Members::new()
        .text("id", component.id.as_str())
        .text("name", &component.name)
        .text("type", component.kind)
        .text("version", &component.version)
        .optional("description", component.description.as_deref())
        .optional("registered_channel", component.registered_channel())
        .number("since", component.since)
        .bool("finished", component.finished)
        .object()
}

fn connection(connection: &Connection) -> Json {
    Members::new()
        .text("id", connection.id.as_str())
        .with("source", connection.source.to_payload())
        .with("target", connection.target.to_payload())
        .bool("enabled", connection.enabled)
        .bool("deleted", connection.deleted)
        .object()
}

fn counts(counts: &Counts) -> Json {
    Members::new()
        .number("registers", counts.registers)
        .number("unregisters", counts.unregisters)
        .number("unknown_unregisters", counts.unknown_unregisters)
        .number("component_queries", counts.component_queries)
        .object()
}

fn refusal(refusal: &Refusal) -> Json {
    Members::new().text("queue", &refusal.queue).text("reason", &refusal.reason).text("body", &refusal.body).object()
}

fn reasons<'a>(queues: impl Iterator<Item = (&'a str, &'a str)>) -> Json {
    Json::Object(queues.map(|(queue, reason)| (queue.to_owned(), Json::text(reason))).collect())
}

fn texts(queues: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    queues.iter().map(|(queue, reason)| (queue.as_str(), reason.as_str()))
}
