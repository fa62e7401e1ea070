//! The REST interface: what the real MOV answers, and `GET /simulator`.

use std::sync::{Arc, Mutex};
use std::thread;

use tiny_http::{Header, Method, Request, Response, Server};

use super::component::Component;
use super::health;
use super::id::Id;
use super::journal;
use super::json::{Json, Members};
use super::parameters::Parameters;
use super::pattern::sort_components;
use super::report;
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

fn answer(request: Request, world: &Mutex<World>) {
    let (status, body) = respond(request.method(), request.url(), &lock(world));
    let json = Header::from_bytes("Content-Type", "application/json").expect("a header");
    let response = Response::from_string(body.to_string()).with_status_code(status).with_header(json);
    // Whoever hangs up before the answer does not want it.
    let _ = request.respond(response);
}

fn respond(method: &Method, url: &str, world: &World) -> (u16, Json) {
    if *method != Method::Get {
        return problem(405, "the simulator answers GET only");
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters = match Parameters::read(query) {
        Ok(parameters) => parameters,
        Err(reason) => return problem(400, &reason),
    };
    match path {
        "/v1/components" => (200, components(world, &parameters)),
        "/v1/logs" => (200, logs(world, &parameters)),
        "/v1/topology/connections" => (200, connections(world, &parameters)),
        "/v1/help/info" => (200, Members::new().text("version", "2.0.1").text("profile", "simulator").object()),
        "/simulator" => (200, report::simulator(world)),
        _ => match path.strip_prefix("/v1/components/") {
            Some(id) => component(world, id),
            None => health::page(world, path).unwrap_or_else(|| problem(404, "there is nothing here")),
        },
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
fn component(world: &World, id: &str) -> (u16, Json) {
    let found = Id::parse(id).and_then(|id| world.live().find(|component| component.id == id));
    found.map_or_else(|| problem(404, "Not found component with the specified identifier."), |it| (200, it.to_rest()))
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
    parameters.page("connections", fitting.map(super::connection::Connection::to_summary).collect())
}

fn problem(status: u16, message: &str) -> (u16, Json) {
    (status, Members::new().text("message", message).object())
}
