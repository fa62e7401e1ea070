//! What the MOV says of its health. It knows when a stream of its own has died, and when its shared client has given up; it
//! does not know that nothing is forwarded.

use super::events::INLETS;
use super::json::{Json, Members};
use super::world::World;

/// The check of the shared client: it stands among the liveness checks only.
const SHARED_CLIENT: &str = "RabbitMQ service";

/// The status and the body of a page of health, if the path is that of one.
pub(crate) fn page(world: &World, path: &str) -> Option<(u16, Json)> {
    let (live, ready) =
        (|| vec![streams(world, "liveness"), shared_client(world)], || vec![streams(world, "readiness"), database()]);
    let started = || vec![streams(world, "startup")];
    let checks = match path {
        "/q/health" => [live(), ready(), started()].concat(),
        "/q/health/live" => live(),
        "/q/health/ready" => ready(),
        "/q/health/started" => started(),
        _ => return None,
    };
    let up = checks.iter().all(|check| check.up);
    let body = Members::new().text("status", status(up)).list("checks", checks.into_iter().map(Check::into_json));
    Some((if up { 200 } else { 503 }, body.object()))
}

#[derive(Clone)]
struct Check {
    name: String,
    up: bool,
    data: Json,
}

impl Check {
    fn into_json(self) -> Json {
        Members::new().text("name", &self.name).text("status", status(self.up)).with("data", self.data).object()
    }
}

/// One dead stream is enough for `DOWN`.
fn streams(world: &World, kind: &str) -> Check {
    let mut up = true;
    let channel = |queue: &str| {
        let reason = world.poisoned.get(queue).or_else(|| world.unready.get(queue)).map(String::as_str);
        let reason = reason.or_else(|| (!world.is_consuming).then_some("no connection to the broker"));
        up &= reason.is_none();
        Json::text(reason.map_or("[OK]".to_owned(), |reason| format!("[KO] - {reason}")))
    };
    let mut channel = channel;
    let data = INLETS.iter().map(|inlet| (inlet.exchange.to_owned(), channel(inlet.queue))).collect();
    Check { name: format!("SmallRye Reactive Messaging - {kind} check"), up, data: Json::Object(data) }
}

fn shared_client(world: &World) -> Check {
    Check { name: SHARED_CLIENT.to_owned(), up: world.shared_client.is_connected(), data: Json::Null }
}

/// There is none here; it is always well.
fn database() -> Check {
    let data = Json::Object(vec![("<default>".to_owned(), Json::text("OK"))]);
    Check { name: "MongoDB connection health check".to_owned(), up: true, data }
}

fn status(up: bool) -> &'static str {
    if up { "UP" } else { "DOWN" }
}
