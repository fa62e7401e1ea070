//! The health checks. The MOV reports a failed stream of its own queues, and a shared client that is not connected; it does not
//! report that nothing is forwarded.

use super::response::Response;
use crate::events::MOV_QUEUES;
use crate::json::{Json, ObjectBuilder};
use crate::state::MovState;

#[derive(Clone, Copy)]
enum Kind {
    Liveness,
    Readiness,
    StartUp,
}

struct Check {
    name: String,
    is_up: bool,
    data: Json,
}

/// The checks of all kinds.
pub(super) fn all(state: &MovState) -> Response {
    let checks = [Kind::Liveness, Kind::Readiness, Kind::StartUp].into_iter().flat_map(|kind| checks(state, kind));
    respond(&checks.collect::<Vec<_>>())
}

pub(super) fn of_kind(state: &MovState, path: &str) -> Response {
    let kind = match path {
        "live" => Kind::Liveness,
        "ready" => Kind::Readiness,
        "started" => Kind::StartUp,
        _ => return Response::no_route(),
    };
    respond(&checks(state, kind))
}

fn respond(checks: &[Check]) -> Response {
    let is_up = checks.iter().all(|check| check.is_up);
    let body = ObjectBuilder::new().string("status", status(is_up)).array("checks", checks.iter().map(Check::to_json));
    Response::json(if is_up { 200 } else { 503 }, &body.build())
}

fn checks(state: &MovState, kind: Kind) -> Vec<Check> {
    match kind {
        Kind::Liveness => vec![streams(state, "liveness"), shared_client(state)],
        Kind::Readiness => vec![streams(state, "readiness"), database()],
        Kind::StartUp => vec![streams(state, "startup")],
    }
}

/// Down if one stream has failed.
fn streams(state: &MovState, kind: &str) -> Check {
    let mut is_up = true;
    let mut data = Vec::new();
    for queue in &MOV_QUEUES {
        let reason = stream_failure(state, queue.name);
        is_up &= reason.is_none();
        let text = reason.map_or_else(|| "[OK]".to_owned(), |reason| format!("[KO] - {reason}"));
        data.push((queue.exchange.to_owned(), Json::String(text)));
    }
    Check { name: format!("SmallRye Reactive Messaging - {kind} check"), is_up, data: Json::Object(data) }
}

fn stream_failure<'s>(state: &'s MovState, queue: &str) -> Option<&'s str> {
    let reason = state.poisoned.get(queue).or_else(|| state.undeclared.get(queue)).map(String::as_str);
    reason.or_else(|| (!state.is_consuming).then_some("no connection to the broker"))
}

fn shared_client(state: &MovState) -> Check {
    Check { name: "RabbitMQ service".to_owned(), is_up: state.shared_client.is_connected(), data: Json::Null }
}

/// The simulator has no database; the check is always up.
fn database() -> Check {
    let data = Json::Object(vec![("<default>".to_owned(), Json::string("OK"))]);
    Check { name: "MongoDB connection health check".to_owned(), is_up: true, data }
}

impl Check {
    fn to_json(&self) -> Json {
        ObjectBuilder::new()
            .string("name", &self.name)
            .string("status", status(self.is_up))
            .value("data", self.data.clone())
            .build()
    }
}

fn status(is_up: bool) -> &'static str {
    if is_up { "UP" } else { "DOWN" }
}
