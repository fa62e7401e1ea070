//! The REST interface: the routes of the real MOV, and `GET /simulator`.

mod changes;
mod health;
mod parameters;
mod queries;
mod response;
mod simulator;

use std::process::exit;
use std::sync::Arc;

use tiny_http::{Method, Request, Server};

use self::parameters::{ParameterError, Parameters};
use self::response::Response;
use crate::console;
use crate::json::{Json, ObjectBuilder};
use crate::settings::Settings;
use crate::state::{MovState, SharedState};
use crate::threads;

/// The exit code when the address cannot be bound (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: i32 = 69;

/// Starts the server. The line on the console names the port, which is chosen by the system if the setting is 0.
pub(crate) fn open(settings: &Settings, state: &SharedState) {
    let address = (settings.http_address.as_str(), settings.http_port);
    let server = Server::http(address).unwrap_or_else(|error| {
        eprintln!("mov_simulator: cannot listen on {}:{}: {error}", settings.http_address, settings.http_port);
        exit(EXIT_UNAVAILABLE)
    });
    console::print(&format!("listening on http://{}", server.server_addr()));
    let state = Arc::clone(state);
    threads::spawn(move || server.incoming_requests().for_each(|request| handle(request, &state)));
}

/// Errors are ignored: a client that has closed its connection expects no response.
fn handle(mut request: Request, state: &SharedState) {
    let mut body = Vec::new();
    if request.as_reader().read_to_end(&mut body).is_ok() {
        let response = route(request.method(), request.url(), &body, &mut state.lock());
        let _ = request.respond(response.into_http());
    }
}

fn route(method: &Method, url: &str, body: &[u8], state: &mut MovState) -> Response {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, segments.as_slice()) {
        (Method::Get, ["v1", "components", id]) => queries::component(state, id),
        (Method::Get, ["v1", "topology", "connections", id]) => queries::connection(state, id),
        (Method::Get, ["v1", "components"]) => list(state, query, queries::components),
        (Method::Get, ["v1", "topology", "connections"]) => list(state, query, queries::connections),
        (Method::Get, ["v1", "logs"]) => list(state, query, queries::logs),
        (Method::Get, ["v1", "help", "info"]) => info(),
        (Method::Get, ["q", "health"]) => health::all(state),
        (Method::Get, ["q", "health", kind]) => health::of_kind(state, kind),
        (Method::Get, ["simulator"]) => Response::json(200, &simulator::Report::new(state)),
        (Method::Get, _) => Response::no_route(),
        (Method::Post, ["v1", "components"]) => changes::register(state, body),
        (Method::Delete, ["v1", "components", id]) => changes::unregister(state, id),
        (Method::Post, ["v1", "topology", "connections"]) => changes::connect(state, body),
        (Method::Put, ["v1", "topology", "connections", "change"]) => changes::change(state, body),
        _ => Response::empty(405),
    }
}

type ListQuery = fn(&MovState, &Parameters) -> Result<Json, ParameterError>;

fn list(state: &MovState, query: &str, list_query: ListQuery) -> Response {
    match Parameters::parse(query).and_then(|parameters| list_query(state, &parameters)) {
        Ok(page) => Response::json(200, &page),
        Err(ParameterError::NotANumber) => Response::empty(404),
        Err(ParameterError::Invalid(parameter)) => Response::violation(parameter.name, &parameter.to_string()),
    }
}

fn info() -> Response {
    Response::json(200, &ObjectBuilder::new().string("version", "2.0.1").string("profile", "prod").build())
}
