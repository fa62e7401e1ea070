//! Components on RabbitMQ, registered at the simulator of the MOV.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::{Value, json};

use valawai::Component;
use valawai::testing::LogEntry;

use super::Running;
use crate::running_app::RunningApp;
use testkit::wait::SOON;
use testkit::{Client, Message, Mov, Node, Vhost, wait_until};

/// The queues of requests to the MOV, in the order of [`Running::requested`].
const REQUESTS: [&str; 3] =
    ["valawai/topology/create", "valawai/topology/change", "valawai/topology/notification/change"];

/// A virtual host with the simulator of the MOV.
pub(super) struct Platform {
    pub(super) vhost: Vhost,
    pub(super) mov: Mov,
}

impl Platform {
    pub(super) fn start() -> Self {
        let vhost = Node::shared().vhost();
        let mov = Mov::start(&vhost);
        Self { vhost, mov }
    }

    /// Starts a component, and waits until it is registered.
    pub(super) fn run(&self, component: &Component, settings: &[(&str, &str)]) -> RunningApp {
        let app = RunningApp::on_rabbitmq(component, &self.vhost, settings);
        self.mov.wait_registered(component.check().unwrap().name(), SOON);
        app
    }

    /// A new client, because [`Running::disconnect`] breaks the connections of all clients.
    pub(super) fn client(&self) -> Client {
        Client::connect(&self.vhost)
    }

    /// Waits until all messages in `queue` are acknowledged.
    pub(super) fn wait_until_acknowledged(&self, queue: &str) {
        wait_until(&format!("all messages in {queue} to be acknowledged"), SOON, || {
            let counts = Node::shared().queue(&self.vhost, queue);
            counts.is_none_or(|counts| counts.messages_ready + counts.messages_unacknowledged == 0)
        });
    }
}

/// A component that is alone on its [`Platform`]. Nothing consumes what it publishes.
pub(super) struct RunningOnRabbitMq {
    app: RunningApp,
    platform: Platform,
    name: String,
    /// What was received from each queue.
    received: Mutex<HashMap<String, Received>>,
}

#[derive(Default)]
struct Received {
    messages: Vec<Value>,
    /// How many of them [`Running::receive`] has returned.
    taken: usize,
}

impl RunningOnRabbitMq {
    /// The queue of a channel, as in `data/temperature`.
    fn queue(&self, channel: &str) -> String {
        format!("valawai/{}/{channel}", self.name.replacen('_', "/", 1))
    }

    /// Receives what is in the queue, and returns what `view` makes of all that was received from it.
    fn collect<T>(&self, queue: &str, view: impl FnOnce(&mut Received) -> T) -> T {
        let client = self.platform.client();
        let new = client.queue_info(queue).map_or(Vec::new(), |_| client.drain(queue));
        let mut all = self.received.lock();
        let received = all.entry(queue.to_owned()).or_default();
        let json = |body: &[u8]| {
            serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
        };
        received.messages.extend(new.iter().map(|message| json(&message.body)));
        view(received)
    }

    fn policy(channel: &str) -> String {
        format!("reject {}", channel.replace('/', " "))
    }
}

impl Running for RunningOnRabbitMq {
    fn run_with(component: &Component, settings: &[(&'static str, &str)]) -> Self {
        let platform = Platform::start();
        let resolved = component.check().unwrap();
        let client = platform.client();
        resolved.output_queues().for_each(|queue| client.declare(queue));
        let app = platform.run(component, settings);
        Self { app, platform, name: resolved.name().to_owned(), received: Mutex::default() }
    }

    fn publish_raw(&self, channel: &str, body: &str) {
        let message = Message::bare(body).content_type("application/json").persistent();
        self.platform.client().publish(&self.queue(channel), &message);
    }

    fn receive(&self, channel: &str) -> Value {
        wait_until(&format!("a message on {channel}"), SOON, || {
            self.collect(&self.queue(channel), |received| {
                let next = received.messages.get(received.taken).cloned();
                received.taken += usize::from(next.is_some());
                next
            })
        })
    }

    fn published(&self, channel: &str) -> Vec<Value> {
        self.collect(&self.queue(channel), |received| received.messages.clone())
    }

    fn dead_letters(&self, channel: &str) -> Vec<Value> {
        self.published(&format!("dead_letter/{channel}"))
    }

    fn wait_until_acknowledged(&self, channel: &str) {
        self.platform.wait_until_acknowledged(&self.queue(channel));
    }

    fn wait_for_log(&self, text: &str) -> LogEntry {
        wait_until(&format!("`{text}` in the MOV's log"), SOON, || {
            // Also without a component, as before it is registered.
            self.platform.mov.logs().into_iter().find(|found| found.message.contains(text)).map(entry)
        })
    }

    /// Without the entries of the MOV, and those from before the registration.
    fn log(&self) -> Vec<LogEntry> {
        let mut entries = self.platform.mov.logs();
        entries.retain(|entry| entry.component.as_ref().is_some_and(|component| component.name == self.name));
        entries.into_iter().map(entry).collect()
    }

    /// The MOV reports them, because they are about connections that do not exist.
    fn requested(&self) -> Vec<(&'static str, Value)> {
        for queue in REQUESTS {
            self.platform.wait_until_acknowledged(queue);
        }
        let refusals = self.platform.mov.refusals();
        let json = |body: &str| serde_json::from_str(body).expect("a request is JSON");
        let of = |queue: &'static str| {
            let refused = refusals.iter().filter(move |refusal| refusal.queue == queue);
            refused.map(move |refusal| (queue, json(&refusal.body)))
        };
        REQUESTS.into_iter().flat_map(of).collect()
    }

    fn wait_registered(&self) -> Value {
        let registration = self.platform.mov.wait_registered(&self.name, SOON);
        json!({ "id": registration.id, "name": registration.name, "type": registration.kind })
    }

    fn reject(&self, channel: &str, rejects: bool) {
        let (node, vhost) = (Node::shared(), &self.platform.vhost);
        if rejects {
            // RabbitMQ drops messages from a queue that is longer than its new limit.
            let _ = self.published(channel);
            let full = json!({ "max-length": 0, "overflow": "reject-publish" });
            node.set_policy(vhost, &Self::policy(channel), &format!("{channel}$"), &full);
        } else {
            node.rabbitmqctl(&["clear_policy", "-p", &vhost.name, &Self::policy(channel)]);
        }
    }

    fn disconnect(&self) {
        Node::shared().close_connections_of(&self.platform.vhost);
    }

    fn change_settings(&self, settings: &[(&str, &str)]) {
        self.app.change_settings(settings);
    }
}

fn entry(entry: testkit::mov::LogEntry) -> LogEntry {
    LogEntry { level: entry.level, message: entry.message, payload: entry.payload }
}
