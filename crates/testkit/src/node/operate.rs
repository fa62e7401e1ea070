//! What an operator does to a node, and what he asks it.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Node, Vhost, WATERMARK};
use crate::wait::wait_until;

/// A queue as the broker itself counts it, with no lag.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Queue {
    pub name: String,
    pub messages_ready: u64,
    pub messages_unacknowledged: u64,
    pub consumers: u64,
}

/// An open AMQP connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BrokerConnection {
    pub name: String,
    pub vhost: String,
    pub user: String,
    pub state: String,
    /// The heartbeat that was agreed on, in seconds.
    pub timeout: u64,
    pub channels: u64,
}

impl Node {
    /// Runs `rabbitmqctl` and returns what it says; about half a second.
    pub fn ctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.installation.ctl);
        self.files.point_here(&mut command, &self.installation, self.ports);
        let output = command.arg("-q").args(arguments).stdin(Stdio::null()).output().expect("run rabbitmqctl");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "rabbitmqctl {} failed: {said}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// Sets off the memory alarm, which blocks all who publish, or ends it.
    pub fn memory_alarm(&self, on: bool) {
        self.ctl(&["set_vm_memory_high_watermark", if on { "0.000001" } else { WATERMARK }]);
        wait_until("the memory alarm to change", Duration::from_secs(20), || {
            self.management.is_ok(&["health", "checks", "alarms"]) != on
        });
    }

    /// Takes no messages larger than `bytes` on channels that are opened from now on.
    pub fn limit_message_size(&self, bytes: usize) {
        self.ctl(&["eval", &format!("application:set_env(rabbit, max_message_size, {bytes}), persistent_term:put(max_message_size, {bytes}).")]);
    }

    /// Closes every connection the polite way, with the reason 320 `CONNECTION_FORCED`.
    pub fn close_all_connections(&self) {
        self.ctl(&["close_all_connections", "--global", "closed by a test"]);
    }

    /// The same for those of one virtual host: also for the shared node.
    pub fn close_connections_of(&self, vhost: &Vhost) {
        self.ctl(&["close_all_connections", "--vhost", &vhost.name, "closed by a test"]);
    }

    pub fn connections(&self) -> Vec<BrokerConnection> {
        self.list(&["list_connections", "name", "vhost", "user", "state", "timeout", "channels"])
    }

    pub fn connections_of(&self, vhost: &Vhost) -> Vec<BrokerConnection> {
        self.connections().into_iter().filter(|connection| connection.vhost == vhost.name).collect()
    }

    pub fn queues(&self, vhost: &Vhost) -> Vec<Queue> {
        let columns = ["name", "messages_ready", "messages_unacknowledged", "consumers"];
        self.list(&[&["list_queues", "-p", &vhost.name][..], &columns].concat())
    }

    /// The queue's counts, exact, but half a second of work: for the depth alone [`crate::Client::depth`] is quicker.
    pub fn queue(&self, vhost: &Vhost, name: &str) -> Option<Queue> {
        self.queues(vhost).into_iter().find(|queue| queue.name == name)
    }

    pub fn delete_queue(&self, vhost: &Vhost, name: &str) {
        self.management.delete(&["queues", &vhost.name, name]);
    }

    pub fn purge_queue(&self, vhost: &Vhost, name: &str) {
        self.management.delete(&["queues", &vhost.name, name, "contents"]);
    }

    /// Sets a policy for the queues whose name matches `pattern`, for example `{"dead-letter-exchange": ""}`.
    pub fn policy(&self, vhost: &Vhost, name: &str, pattern: &str, definition: &Value) {
        let policy = json!({"pattern": pattern, "definition": definition, "apply-to": "queues"});
        self.management.put(&["policies", &vhost.name, name], &policy);
    }

    /// Takes the user's permissions on a virtual host away, or gives them back.
    pub fn permit(&self, vhost: &Vhost, permitted: bool) {
        let pattern = if permitted { ".*" } else { "^$" };
        let permissions = json!({"configure": pattern, "write": pattern, "read": pattern});
        self.management.put(&["permissions", &vhost.name, &vhost.username], &permissions);
    }

    fn list<T: DeserializeOwned>(&self, arguments: &[&str]) -> Vec<T> {
        let said = self.ctl(&[arguments, &["--formatter", "json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("rabbitmqctl {arguments:?} said {said}: {error}"))
    }
}
