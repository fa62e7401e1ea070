//! Components as the MOV sees them: nothing but messages.

use std::time::Duration;

use serde_json::{Value, json};

use testkit::{Client, Message, Mov, Node, Vhost};

pub(super) const SOON: Duration = Duration::from_secs(20);
pub(super) const REGISTER: &str = "valawai/component/register";
pub(super) const UNREGISTER: &str = "valawai/component/unregister";
pub(super) const LOG: &str = "valawai/log/add";

/// A virtual host with a MOV and somebody to talk to it.
pub(super) struct Scene {
    pub(super) vhost: Vhost,
    pub(super) client: Client,
    pub(super) mov: Mov,
}

impl Scene {
    pub(super) fn set() -> Self {
        Self::on(Node::shared())
    }

    pub(super) fn on(node: &Node) -> Self {
        let vhost = node.vhost();
        let mov = Mov::start(&vhost);
        Self::at(vhost, mov)
    }

    pub(super) fn at(vhost: Vhost, mov: Mov) -> Self {
        Self { client: Client::connect(&vhost), mov, vhost }
    }

    pub(super) fn send(&self, queue: &str, payload: &Value) {
        self.client.publish(queue, &Message::json(payload));
    }

    /// Registers one more, and returns its identifier.
    pub(super) fn register(&self, kind: &str, name: &str, asyncapi: &str) -> String {
        let before = self.mov.registrations().len();
        self.send(REGISTER, &registration(kind, name, asyncapi));
        let known = self.mov.wait_until(&format!("{name} to be registered"), SOON, |snapshot| {
            (snapshot.registrations.len() > before).then(|| snapshot.registrations.clone())
        });
        known.last().expect("a registration").id.clone()
    }

    /// Waits until there are so many enabled connections.
    pub(super) fn wait_enabled(&self, count: usize) {
        self.mov.wait_until(&format!("{count} enabled connections"), SOON, |snapshot| {
            snapshot.connections.iter().filter(|connection| connection.enabled && !connection.deleted).count() == count
        });
    }

    pub(super) fn unregister(&self, id: &str) {
        self.send(UNREGISTER, &json!({ "component_id": id }));
        self.mov.wait_until(&format!("{id} to be unregistered"), SOON, |snapshot| {
            snapshot.live.iter().all(|registration| registration.id != id)
        });
    }

    /// Waits until so many messages were refused, and returns the reason of the last.
    pub(super) fn wait_refused(&self, count: usize) -> String {
        self.mov.wait_until(&format!("{count} refusals"), SOON, |snapshot| {
            (snapshot.refusals.len() == count).then(|| snapshot.refusals[count - 1].reason.clone())
        })
    }
}

pub(super) fn registration(kind: &str, name: &str, asyncapi: &str) -> Value {
    json!({"type": kind, "name": name, "version": "1.0.0", "asyncapi_yaml": asyncapi})
}

/// A component that hears `{in: string}` and says `{out: string}`, with these property names.
pub(super) fn asyncapi(level: &str, name: &str, heard: &str, said: &str) -> String {
    let payload = |property: &str| json!({"type": "object", "properties": {property: {"type": "string"}}});
    let properties = ["id", "name", "description", "version", "api_version", "type", "since", "channels"];
    let registered: Value = properties.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    let channel = |short: &str| format!("valawai/{level}/{name}/{short}");
    let message = |verb: &str, payload: &Value| json!({verb: {"message": {"payload": payload}}});
    json!({
        "info": {"description": format!("{name} for tests"), "version": "2.1.0"},
        "channels": {
            channel("control/registered"): message("subscribe", &json!({"type": "object", "properties": registered})),
            channel("data/in"): message("subscribe", &payload(heard)),
            channel("data/out"): message("publish", &payload(said)),
        }
    })
    .to_string()
}
