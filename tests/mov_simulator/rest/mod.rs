//! The REST interface: what the real MOV answers, and `GET /simulator`.

mod answer;
mod changes;

use std::sync::{Arc, Mutex};
use std::thread;

use tiny_http::{Method, Request, Server};

use self::answer::Answer;
use super::component::{Component, channel_to_json};
use super::connection::{Connection, End};
use super::health;
use super::id::Id;
use super::journal;
use super::json::{Json, Members};
use super::parameters::{Parameters, Unreadable};
use super::pattern::{is_component_order, sort_components};
use super::report;
use super::schema::TypeWritten;
use super::settings::Settings;
use super::world::{World, lock};

/// Starts to answer. Port 0 becomes a free one; the line on the console tells which.
pub(crate) fn open(settings: &Settings, world: &Arc<Mutex<World>>) {
    let address = (settings.http_address.as_str(), settings.http_port);
    let server = Server::http(address).unwrap_or_else(|error| {
        eprintln!("mov_simulator: cannot listen on {address:?}: {error}");
        std::process::exit(69)
    });
    journal::tell(&format!("listening on http://{}", server.server_addr()));
    let world = Arc::clone(world);
    thread::spawn(move || server.incoming_requests().for_each(|request| answer(request, &world)));
}

fn answer(mut request: Request, world: &Mutex<World>) {
    let mut body = Vec::new();
    // Whoever hangs up before the answer does not want it.
    let answer = match request.as_reader().read_to_end(&mut body) {
        Ok(_) => respond(request.method(), request.url(), &body, &mut lock(world)),
        Err(_) => return,
    };
    let _ = request.respond(answer.into_response());
}

fn respond(method: &Method, url: &str, body: &[u8], world: &mut World) -> Answer {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, segments.as_slice()) {
        (Method::Get, ["v1", "components", id]) => component(world, id),
        (Method::Get, ["v1", "topology", "connections", id]) => connection(world, id),
        (Method::Get, _) => list(path, query, world),
        (Method::Post, ["v1", "components"]) => changes::register(world, body),
        (Method::Delete, ["v1", "components", id]) => changes::unregister(world, id),
        (Method::Post, ["v1", "topology", "connections"]) => changes::connect(world, body),
        (Method::Put, ["v1", "topology", "connections", "change"]) => changes::change(world, body),
        _ => Answer::bare(405),
    }
}

fn list(path: &str, query: &str, world: &World) -> Answer {
    let answer_to: fn(&World, &Parameters) -> Json = match path {
        "/v1/components" => components,
        "/v1/logs" => logs,
        "/v1/topology/connections" => connections,
        "/v1/help/info" => |_, _| Members::new().text("version", "2.0.1").text("profile", "prod").object(),
        "/simulator" => |world, _| report::simulator(world),
        _ => {
            return health::page(world, path)
                .map_or_else(Answer::no_route, |(status, page)| Answer::json(status, page));
        }
    };
    match Parameters::read(query) {
        Ok(parameters)
            if parameters.get("order").is_some_and(|order| path == "/v1/components" && !is_component_order(order)) =>
        {
            Answer::violation("`order` must be names of fields with + or -")
        }
        Ok(parameters) => Answer::json(200, answer_to(world, &parameters)),
        Err(Unreadable::NoNumber) => Answer::bare(404),
        Err(Unreadable::TooSmall(reason)) => Answer::violation(reason),
    }
}

fn components(world: &World, parameters: &Parameters) -> Json {
    let fits = |component: &&Component| {
        parameters.pattern("type").fits(component.kind) && {
            let pattern = parameters.pattern("pattern");
            pattern.fits(&component.name) || pattern.fits_any(component.description.as_deref())
        }
    };
    let mut found: Vec<&Component> = world.live().filter(fits).collect();
    sort_components(&mut found, parameters.get("order").unwrap_or("since"));
    parameters.page("components", found.into_iter().map(Component::to_summary).collect())
}

/// Unknown and finished are the same.
fn component(world: &World, id: &str) -> Answer {
    let found = Id::parse(id).and_then(|id| world.live().find(|component| component.id == id));
    found.map_or_else(|| Answer::bare(404), |component| Answer::json(200, component.to_rest()))
}

/// So are unknown and removed.
fn connection(world: &World, id: &str) -> Answer {
    let Some(found) = world.connections.iter().find(|it| it.id.as_str() == id && !it.deleted) else {
        return Answer::bare(404);
    };
    let end = |end: &End| {
        let component = world.component(&end.component);
        let channel = component.and_then(|it| it.channels.iter().find(|channel| channel.name == end.channel));
        Members::new()
            .with("component", component.map_or(Json::Null, Component::to_summary))
            .with("channel", channel.map_or(Json::Null, |channel| channel_to_json(channel, TypeWritten::Twice)))
            .object()
    };
    let enabled = found.notifications.iter().filter(|notification| notification.enabled);
    let body = Members::new()
        .text("id", found.id.as_str())
        .number("createTimestamp", found.created)
        .number("updateTimestamp", found.updated)
        .with("source", end(&found.source))
        .with("target", end(&found.target))
        .bool("enabled", found.enabled)
        .list("subscriptions", enabled.map(|notification| end(&notification.target)));
    Answer::json(200, body.object())
}

fn logs(world: &World, parameters: &Parameters) -> Json {
    let (pattern, level) = (parameters.pattern("pattern"), parameters.pattern("level"));
    let fitting = world.logs.entries().filter(|entry| pattern.fits(&entry.message) && level.fits(entry.level));
    let mut found: Vec<Json> = fitting.map(|entry| report::log_entry(entry, world)).collect();
    if parameters.get("order").is_some_and(|order| order.starts_with('-')) {
        found.reverse();
    }
    parameters.page("logs", found)
}

fn connections(world: &World, parameters: &Parameters) -> Json {
    let pattern = parameters.pattern("pattern");
    let fitting = world.connections.iter().filter(|connection| {
        !connection.deleted && (pattern.fits(&connection.source.channel) || pattern.fits(&connection.target.channel))
    });
    parameters.page("connections", fitting.map(Connection::to_summary).collect())
}
