//! Administration of a node: `rabbitmqctl`, alarms, connections, queues, policies and permissions.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Node, Vhost, WATERMARK};
use crate::wait::wait_until;

/// The exact counts of a queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Messages ready for delivery.
    pub messages_ready: u64,
    /// Messages that are delivered and not acknowledged.
    pub messages_unacknowledged: u64,
    /// Its consumers.
    pub consumers: u64,
}

/// An open AMQP connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BrokerConnection {
    /// Its name.
    pub name: String,
    /// Its virtual host.
    pub vhost: String,
    /// Its user.
    pub user: String,
    /// Its state, such as `running` or `blocked`.
    pub state: String,
    /// The negotiated heartbeat, in seconds.
    pub timeout: u64,
    /// The number of its channels.
    pub channels: u64,
}

impl Node {
    /// Runs `rabbitmqctl` and returns its output. It takes about half a second.
    pub fn rabbitmqctl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.installation.ctl);
        self.directory.configure(&mut command, &self.installation, self.ports);
        let output = command.arg("-q").args(arguments).stdin(Stdio::null()).output().expect("run rabbitmqctl");
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "rabbitmqctl {} failed: {stdout}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// The version of RabbitMQ, as in `(3, 10)`.
    pub fn version(&self) -> (u32, u32) {
        let version = self.rabbitmqctl(&["version"]);
        let mut numbers = version.trim().split('.').map(|number| number.parse().expect("a number in the version"));
        (numbers.next().expect("a major version"), numbers.next().expect("a minor version"))
    }

    /// Raises or clears the memory alarm, which blocks all publishing connections.
    pub fn set_memory_alarm(&self, raised: bool) {
        self.rabbitmqctl(&["set_vm_memory_high_watermark", if raised { "0.000001" } else { WATERMARK }]);
        wait_until("the memory alarm to change", Duration::from_secs(20), || {
            self.management.is_ok(&["health", "checks", "alarms"]) != raised
        });
    }

    /// Sets `max_message_size` for channels that are opened from now on.
    pub fn limit_message_size(&self, bytes: usize) {
        let set = format!("application:set_env(rabbit, max_message_size, {bytes})");
        let set_cached = format!("persistent_term:put(max_message_size, {bytes})");
        self.rabbitmqctl(&["eval", &format!("{set}, {set_cached}.")]);
    }

    /// Closes all connections with code 320, `CONNECTION_FORCED`.
    pub fn close_all_connections(&self) {
        self.rabbitmqctl(&["close_all_connections", "--global", "closed by a test"]);
    }

    /// Closes the connections of one virtual host, also on the shared node.
    pub fn close_connections_of(&self, vhost: &Vhost) {
        self.rabbitmqctl(&["close_all_connections", "--vhost", &vhost.name, "closed by a test"]);
    }

    /// The open connections.
    pub fn connections(&self) -> Vec<BrokerConnection> {
        self.list(&["list_connections", "name", "vhost", "user", "state", "timeout", "channels"])
    }

    /// The open connections of one virtual host.
    pub fn connections_of(&self, vhost: &Vhost) -> Vec<BrokerConnection> {
        self.connections().into_iter().filter(|connection| connection.vhost == vhost.name).collect()
    }

    /// The queues of a virtual host.
    pub fn queues(&self, vhost: &Vhost) -> Vec<Queue> {
        let columns = ["name", "messages_ready", "messages_unacknowledged", "consumers"];
        self.list(&[&["list_queues", "-p", &vhost.name][..], &columns].concat())
    }

    /// The counts of one queue. For the ready messages alone [`crate::Client::depth`] is faster.
    pub fn queue(&self, vhost: &Vhost, name: &str) -> Option<Queue> {
        self.queues(vhost).into_iter().find(|queue| queue.name == name)
    }

    /// Deletes a queue.
    pub fn delete_queue(&self, vhost: &Vhost, name: &str) {
        self.management.delete(&["queues", &vhost.name, name]);
    }

    /// Removes the ready messages of a queue.
    pub fn purge_queue(&self, vhost: &Vhost, name: &str) {
        self.management.delete(&["queues", &vhost.name, name, "contents"]);
    }

    /// Sets a policy for the queues whose name matches `pattern`, for example `{"dead-letter-exchange": ""}`.
    pub fn set_policy(&self, vhost: &Vhost, name: &str, pattern: &str, definition: &Value) {
        let policy = json!({"pattern": pattern, "definition": definition, "apply-to": "queues"});
        self.management.put(&["policies", &vhost.name, name], &policy);
    }

    /// Grants the user all permissions on a virtual host, or none.
    pub fn set_permissions(&self, vhost: &Vhost, permitted: bool) {
        let pattern = if permitted { ".*" } else { "^$" };
        let permissions = json!({"configure": pattern, "write": pattern, "read": pattern});
        self.management.put(&["permissions", &vhost.name, &vhost.username], &permissions);
    }

    fn list<T: DeserializeOwned>(&self, arguments: &[&str]) -> Vec<T> {
        let output = self.rabbitmqctl(&[arguments, &["--formatter", "json"]].concat());
        serde_json::from_str(&output)
            .unwrap_or_else(|error| panic!("rabbitmqctl {arguments:?} wrote {output}: {error}"))
    }
}
