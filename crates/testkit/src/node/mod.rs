//! RabbitMQ nodes that the tests start. A test that kills, freezes or fills a node starts one of its own.

mod cluster;
mod directory;
mod installation;
mod management;
mod operations;
pub(crate) mod ports;
mod tls_listener;
pub(crate) mod vhost;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use parking_lot::{Mutex, MutexGuard};
use serde_json::json;

use self::directory::NodeDirectory;
use self::installation::Installation;
use self::management::Management;
use self::ports::Ports;
use crate::process::reaper::{self, ReapedProcess};
use crate::wait::poll;

pub use cluster::Cluster;
pub use operations::{BrokerConnection, Queue};
pub use tls_listener::TlsListener;
pub use vhost::Vhost;

const USERNAME: &str = "mov";
const PASSWORD: &str = "password";
/// The share of the machine's memory at which the memory alarm is raised.
const WATERMARK: &str = "0.8";
/// A node usually starts within a few seconds, but not on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Another process may take a chosen port before the node does.
const START_ATTEMPTS: u32 = 3;

/// A RabbitMQ node. Its processes are killed when it is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Node {
    installation: Installation,
    ports: Ports,
    management: Management,
    vhosts: AtomicU32,
    // In this order, so that the directory is removed after the processes that write to it have ended.
    server: Mutex<ReapedProcess>,
    epmd: Arc<ReapedProcess>,
    directory: NodeDirectory,
}

impl Node {
    /// Starts a node without data, and waits until it accepts AMQP connections.
    pub fn start() -> Self {
        Self::start_with(&TlsListener::default())
    }

    /// The node that all tests of a process share; each uses a [`Node::vhost`] of its own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Node> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// The AMQP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// The id of the Erlang VM's process.
    pub fn pid(&self) -> u32 {
        self.server().pid()
    }

    /// The directory with its data and logs.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Sends SIGKILL to the Erlang VM.
    ///
    /// It syncs Mnesia's log first. Mnesia writes declarations to disk up to two seconds after they were confirmed, so the
    /// queues of a test that kills the node sooner would be lost.
    pub fn kill(&self) {
        self.rabbitmqctl(&["eval", "catch mnesia:sync_log()."]);
        self.server().kill();
    }

    /// Starts it after [`Node::kill`] or [`Node::stop_gracefully`], with the same data and ports.
    pub fn start_again(&self) {
        let mut server = self.server();
        assert!(server.exit().is_some(), "the node is running; kill or stop it first");
        let began = Instant::now();
        while began.elapsed() < START_LIMIT {
            *server = start_server(&self.installation, self.ports, &self.directory);
            if wait_for_amqp(&mut server, self.ports) {
                return;
            }
        }
        panic!("RabbitMQ did not start again:\n{}", self.directory.log_tail());
    }

    /// Stops it as `rabbitmqctl stop` does: connections are closed with code 320.
    pub fn stop_gracefully(&self) {
        let mut server = self.server();
        server.signal(Signal::SIGTERM);
        let exit = server.exit_within(STOP_LIMIT);
        assert!(exit.is_some(), "RabbitMQ did not stop within {STOP_LIMIT:?}:\n{}", self.directory.log_tail());
    }

    /// Sends SIGSTOP to the VM: connections stay open, and nothing is answered.
    pub fn freeze(&self) {
        self.server().freeze();
    }

    /// Sends SIGCONT: ends [`Node::freeze`].
    pub fn thaw(&self) {
        self.server().thaw();
    }

    /// A new virtual host for the usual user. With `VALAWAI_TEST_QUEUES=quorum` it is a [`Node::quorum_vhost`], to run all
    /// tests with quorum queues.
    pub fn vhost(&self) -> Vhost {
        if std::env::var_os("VALAWAI_TEST_QUEUES").is_some_and(|kind| kind == "quorum") {
            return self.quorum_vhost();
        }
        let name = self.next_vhost_name();
        self.management.put(&["vhosts", &name], &json!({}));
        self.grant_access(name)
    }

    /// A new virtual host whose default queue type is quorum.
    pub fn quorum_vhost(&self) -> Vhost {
        let name = self.next_vhost_name();
        self.rabbitmqctl(&["add_vhost", &name, "--default-queue-type", "quorum"]);
        self.grant_access(name)
    }

    fn next_vhost_name(&self) -> String {
        format!("test-{}", self.vhosts.fetch_add(1, Ordering::Relaxed))
    }

    fn grant_access(&self, vhost: String) -> Vhost {
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.management.put(&["permissions", &vhost, USERNAME], &all);
        Vhost { tls_port: Some(self.ports.tls), ..Vhost::new(self.ports.amqp, vhost) }
            .at_host(&self.ports.address.to_string())
    }

    fn try_start(
        installation: &Installation,
        ports: Ports,
        epmd: Arc<ReapedProcess>,
        tls: &TlsListener,
    ) -> Result<Self, String> {
        let directory = NodeDirectory::create(ports, tls);
        let mut server = start_server(installation, ports, &directory);
        if !wait_for_amqp(&mut server, ports) {
            return Err(directory.log_tail());
        }
        Ok(Self {
            installation: installation.clone(),
            ports,
            management: Management::new(ports.management),
            vhosts: AtomicU32::new(1),
            server: Mutex::new(server),
            epmd,
            directory,
        })
    }

    fn server(&self) -> MutexGuard<'_, ReapedProcess> {
        // A test that panicked while it held the lock must not fail the others.
        self.server.lock()
    }
}

/// Starts a node with `start`, which chooses other ports each time and returns the node's log if it does not start.
fn start_with_retries(start: impl Fn() -> Result<Node, String>) -> Node {
    let mut logs = Vec::new();
    for _ in 0..START_ATTEMPTS {
        match start() {
            Ok(node) => return node,
            Err(log) => logs.push(log),
        }
    }
    panic!("RabbitMQ did not start in {START_ATTEMPTS} attempts:\n{}", logs.join("\n"));
}

/// Starts Erlang's port mapper. Without it a node would start one as a daemon, which would outlive the tests.
fn start_epmd(installation: &Installation, ports: Ports) -> ReapedProcess {
    let mut command = reaper::command("epmd");
    command.args(["-port", &ports.epmd.to_string(), "-address", "127.0.0.1"]).env("PATH", &installation.path);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    ReapedProcess::spawn(&mut command)
}

fn start_server(installation: &Installation, ports: Ports, directory: &NodeDirectory) -> ReapedProcess {
    let console =
        File::options().create(true).append(true).open(directory.path_of("console.txt")).expect("open console.txt");
    let mut command = reaper::command(&installation.server);
    directory.configure(&mut command, installation, ports);
    // Makes the script exec the VM, so that the child's process id is the VM's.
    command.env("RUNNING_UNDER_SYSTEMD", "true");
    command.stdout(console.try_clone().expect("duplicate a file handle")).stderr(console);
    ReapedProcess::spawn(&mut command)
}

/// Waits for the first frame of a handshake: an open port is not enough. Returns false if the server ends or the limit passes.
fn wait_for_amqp(server: &mut ReapedProcess, ports: Ports) -> bool {
    let result = poll(START_LIMIT, || {
        if server.exit().is_some() {
            return Some(false);
        }
        begin_handshake(ports).is_ok().then_some(true)
    });
    result.unwrap_or(false)
}

fn begin_handshake(ports: Ports) -> std::io::Result<()> {
    let mut socket = TcpStream::connect((ports.address, ports.amqp))?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.write_all(b"AMQP\x00\x00\x09\x01")?;
    let mut frame = [0; 1];
    socket.read_exact(&mut frame)
}
