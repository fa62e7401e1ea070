//! A virtual host with a MOV, and components that consist of messages only.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, Message, Mov, Node, Vhost};

pub(super) const SOON: Duration = Duration::from_secs(20);
pub(super) const REGISTER: &str = "valawai/component/register";
pub(super) const UNREGISTER: &str = "valawai/component/unregister";
pub(super) const LOG: &str = "valawai/log/add";

/// A virtual host with a MOV and a client.
pub(super) struct TestBed {
    pub(super) vhost: Vhost,
    pub(super) client: Client,
    pub(super) mov: Mov,
}

impl TestBed {
    /// Starts a MOV in a new virtual host of the shared node.
    pub(super) fn start() -> Self {
        Self::start_on(Node::shared())
    }

    /// Starts a MOV in a new virtual host of `node`.
    pub(super) fn start_on(node: &Node) -> Self {
        let vhost = node.vhost();
        let mov = Mov::start(&vhost);
        Self::with_mov(vhost, mov)
    }

    /// A test bed for a MOV that the test has started.
    pub(super) fn with_mov(vhost: Vhost, mov: Mov) -> Self {
        Self { client: Client::connect(&vhost), mov, vhost }
    }

    pub(super) fn send(&self, queue: &str, payload: &Value) {
        self.client.publish(queue, &Message::json(payload));
    }

    /// Makes one more registration, and returns its id.
    pub(super) fn register(&self, kind: &str, name: &str, asyncapi: &str) -> String {
        let before = self.mov.registrations().len();
        self.send(REGISTER, &registration(kind, name, asyncapi));
        let registrations = self.mov.wait_until(&format!("{name} to be registered"), SOON, |snapshot| {
            (snapshot.registrations.len() > before).then(|| snapshot.registrations.clone())
        });
        registrations.last().expect("a registration").id.clone()
    }

    pub(super) fn unregister(&self, id: &str) {
        self.send(UNREGISTER, &json!({ "component_id": id }));
        self.mov.wait_until(&format!("{id} to be unregistered"), SOON, |snapshot| {
            snapshot.live.iter().all(|registration| registration.id != id)
        });
    }

    /// Waits until `count` connections are enabled.
    pub(super) fn wait_enabled(&self, count: usize) {
        self.mov.wait_until(&format!("{count} enabled connections"), SOON, |snapshot| {
            snapshot.connections.iter().filter(|connection| connection.enabled && !connection.deleted).count() == count
        });
    }

    /// Waits until `count` messages were refused, and returns the reason for the last one.
    pub(super) fn wait_refused(&self, count: usize) -> String {
        self.mov.wait_until(&format!("{count} refused messages"), SOON, |snapshot| {
            (snapshot.refusals.len() == count).then(|| snapshot.refusals[count - 1].reason.clone())
        })
    }
}

pub(super) fn registration(kind: &str, name: &str, asyncapi: &str) -> Value {
    json!({"type": kind, "name": name, "version": "1.0.0", "asyncapi_yaml": asyncapi})
}

/// The contract of a component that subscribes to `{input: string}` on `data/in`, publishes `{output: string}` on `data/out`,
/// and subscribes to `control/registered`.
pub(super) fn asyncapi(level: &str, name: &str, input: &str, output: &str) -> String {
    let payload = |property: &str| json!({"type": "object", "properties": {property: {"type": "string"}}});
    let properties = ["id", "name", "description", "version", "api_version", "type", "since", "channels"];
    let notice: Value = properties.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    let channel = |short: &str| format!("valawai/{level}/{name}/{short}");
    let message = |operation: &str, payload: &Value| json!({operation: {"message": {"payload": payload}}});
    json!({
        "info": {"description": format!("{name} for tests"), "version": "2.1.0"},
        "channels": {
            channel("control/registered"): message("subscribe", &json!({"type": "object", "properties": notice})),
            channel("data/in"): message("subscribe", &payload(input)),
            channel("data/out"): message("publish", &payload(output)),
        }
    })
    .to_string()
}
