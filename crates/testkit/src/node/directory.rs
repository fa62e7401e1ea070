//! The directory of a node, and the environment that makes a broker use it instead of the machine's configuration.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::installation::Installation;
use super::ports::Ports;
use super::tls_listener::TlsListener;
use crate::process::reaper;

#[derive(Debug)]
pub(crate) struct NodeDirectory {
    root: TempDir,
}

impl NodeDirectory {
    pub(crate) fn create(ports: Ports, tls: &TlsListener) -> Self {
        let root = tempfile::Builder::new().prefix("valawai-rabbitmq-").tempdir().expect("make a temporary directory");
        reaper::remove_directory_at_exit(root.path());
        let directory = Self { root };
        directory.write("rabbitmq.conf", &(configuration(ports) + &tls.configuration(ports)));
        directory.write("enabled_plugins", "[rabbitmq_management, rabbitmq_auth_mechanism_ssl].\n");
        directory.write(".erlang.cookie", "VALAWAITESTS");
        // Erlang rejects a cookie that others may read.
        fs::set_permissions(directory.path_of(".erlang.cookie"), Permissions::from_mode(0o400))
            .expect("protect the cookie");
        directory
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The last lines of the node's console and log.
    pub(crate) fn log_tail(&self) -> String {
        ["console.txt", "log/rabbit.log"].map(|name| format!("{name}:\n{}\n", tail(&self.path_of(name)))).concat()
    }

    /// Sets the environment of the server and its tools.
    pub(crate) fn configure(&self, command: &mut Command, installation: &Installation, ports: Ports) {
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_")) {
            command.env_remove(name);
        }
        if let Some(root) = &installation.erlang {
            command.env("ERL_ROOTDIR", root);
        }
        // By default, Erlang's distribution listens on all interfaces.
        let loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
        command
            .env("PATH", &installation.path)
            .env("HOME", self.root.path())
            .env("ERL_EPMD_PORT", ports.epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", node_name(ports))
            .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback)
            .env("RABBITMQ_CTL_ERL_ARGS", loopback)
            .env("RABBITMQ_CTL_DIST_PORT_MIN", "0")
            .env("RABBITMQ_CTL_DIST_PORT_MAX", "0")
            .env("RABBITMQ_CONF_ENV_FILE", self.path_of("no-such-file"))
            .env("RABBITMQ_CONFIG_FILE", self.path_of("rabbitmq.conf"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", self.path_of("no-such-file"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.path_of("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", self.path_of("data"))
            .env("RABBITMQ_LOG_BASE", self.path_of("log"));
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path_of(name), text).unwrap_or_else(|error| panic!("cannot write {name}: {error}"));
    }
}

/// The node's name in Erlang's distribution.
pub(crate) fn node_name(ports: Ports) -> String {
    format!("valawai-{}@localhost", ports.distribution)
}

/// The content of `rabbitmq.conf`. The cluster name avoids a look-up of the host's name, which delays handshakes where there
/// is no name server.
fn configuration(ports: Ports) -> String {
    format!(
        "listeners.tcp.1 = {address}:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_user = {username}
default_pass = {password}
default_user_tags.administrator = true
cluster_name = valawai-tests
vm_memory_high_watermark.relative = {watermark}
disk_free_limit.absolute = 1MB
collect_statistics_interval = 1000
log.console = false
log.file = rabbit.log
",
        address = ports.address,
        amqp = ports.amqp,
        management = ports.management,
        username = super::USERNAME,
        password = super::PASSWORD,
        watermark = super::WATERMARK,
    )
}

fn tail(path: &Path) -> String {
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
