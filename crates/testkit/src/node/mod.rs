//! A throw-away broker: a test may kill it, freeze it, fill its memory; nobody else is on it.

mod cluster;
mod files;
mod installation;
mod management;
mod operate;
mod ports;
mod vhost;

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use self::files::Files;
use self::installation::Installation;
use self::management::Management;
use self::ports::Ports;
use super::process_reaper::{self, ReapedProcess};
use super::wait::poll;

pub use cluster::Cluster;
pub use operate::{BrokerConnection, Queue};
pub use vhost::Vhost;

const USERNAME: &str = "mov";
const PASSWORD: &str = "password";
/// The share of the machine's memory at which the node's alarm goes off by itself.
const WATERMARK: &str = "0.8";
/// Cold, on a busy machine; a few seconds is the rule.
const START_LIMIT: Duration = Duration::from_secs(90);
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Another process may take a chosen port before the node does.
const START_ATTEMPTS: u32 = 3;

/// A running (or killed, or frozen) broker. It ends when it is dropped, and when the test process ends in whatever way.
#[derive(Debug)]
pub struct Node {
    installation: Installation,
    ports: Ports,
    management: Management,
    vhosts: AtomicU32,
    // In this order: the directory goes after the processes that write to it.
    server: Mutex<ReapedProcess>,
    epmd: Arc<ReapedProcess>,
    files: Files,
}

impl Node {
    /// Starts one with no data, and waits until it speaks AMQP.
    pub fn start() -> Self {
        let installation = Installation::find();
        let mut stories = Vec::new();
        for _ in 0..START_ATTEMPTS {
            let ports = Ports::choose();
            let epmd = Arc::new(start_epmd(&installation, ports));
            match Self::try_start(&installation, ports, epmd) {
                Ok(node) => return node,
                Err(story) => stories.push(story),
            }
        }
        panic!("RabbitMQ did not start, {START_ATTEMPTS} times:\n{}", stories.join("\n"));
    }

    /// The one for all tests that do it no harm; each of them takes a [`Node::vhost`] of its own.
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

    /// Where its data and its logs are.
    pub fn directory(&self) -> &Path {
        self.files.directory()
    }

    /// SIGKILL to the Erlang VM: no time for a word to anybody.
    ///
    /// What was declared is on the disc by then. A broker with Mnesia writes it there up to two seconds after it
    /// has confirmed it, and would come back without the queues of a test that kills it sooner.
    pub fn kill(&self) {
        self.ctl(&["eval", "catch mnesia:sync_log()."]);
        self.server().kill();
    }

    /// Starts it after [`Node::kill`] or [`Node::stop_gracefully`], with its data and on its ports.
    pub fn start_again(&self) {
        let mut server = self.server();
        assert!(server.exit().is_some(), "the node runs already; kill or stop it before starting it again");
        let began = Instant::now();
        while began.elapsed() < START_LIMIT {
            *server = start_server(&self.installation, self.ports, &self.files);
            if speaks_amqp(&mut server, self.ports) {
                return;
            }
        }
        panic!("RabbitMQ did not start again:\n{}", self.files.last_words());
    }

    /// What `rabbitmqctl stop` does: connections are closed with a reason (320).
    pub fn stop_gracefully(&self) {
        let mut server = self.server();
        server.signal(Signal::SIGTERM);
        let exit = server.exit_within(STOP_LIMIT);
        assert!(exit.is_some(), "RabbitMQ did not stop within {STOP_LIMIT:?}:\n{}", self.files.last_words());
    }

    /// Stops the VM in its tracks: connections stay open, nothing answers.
    pub fn freeze(&self) {
        self.server().signal(Signal::SIGSTOP);
        // The signal is sent before it has reached every thread, and one that still runs answers.
        poll(Duration::from_secs(20), || all_threads_are_stopped(self.pid())).expect("the broker did not freeze");
    }

    /// Ends [`Node::freeze`].
    pub fn thaw(&self) {
        self.server().signal(Signal::SIGCONT);
    }

    /// A fresh virtual host, open to the usual user. With `VALAWAI_TEST_QUEUES=quorum` it is a [`Node::quorum_vhost`], to
    /// see what all tests make of such queues.
    pub fn vhost(&self) -> Vhost {
        if std::env::var_os("VALAWAI_TEST_QUEUES").is_some_and(|kind| kind == "quorum") {
            return self.quorum_vhost();
        }
        let name = self.next_vhost();
        self.management.put(&["vhosts", &name], &json!({}));
        self.open_to_us(name)
    }

    /// The same, where a queue is a quorum queue unless its declaration says otherwise.
    pub fn quorum_vhost(&self) -> Vhost {
        let name = self.next_vhost();
        self.ctl(&["add_vhost", &name, "--default-queue-type", "quorum"]);
        self.open_to_us(name)
    }

    fn next_vhost(&self) -> String {
        format!("test-{}", self.vhosts.fetch_add(1, Ordering::Relaxed))
    }

    fn open_to_us(&self, vhost: String) -> Vhost {
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.management.put(&["permissions", &vhost, USERNAME], &everything);
        Vhost::at(self.ports.amqp, vhost).on(&self.ports.address.to_string())
    }

    fn try_start(installation: &Installation, ports: Ports, epmd: Arc<ReapedProcess>) -> Result<Self, String> {
        let files = Files::create(ports);
        let mut server = start_server(installation, ports, &files);
        if !speaks_amqp(&mut server, ports) {
            return Err(files.last_words());
        }
        Ok(Self {
            installation: installation.clone(),
            ports,
            management: Management::at(ports.management),
            vhosts: AtomicU32::new(1),
            server: Mutex::new(server),
            epmd,
            files,
        })
    }

    fn server(&self) -> MutexGuard<'_, ReapedProcess> {
        // A test that failed with the lock in its hands must not fail the others.
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Erlang's port mapper. A node would start a daemon by itself, one that nobody ends.
fn start_epmd(installation: &Installation, ports: Ports) -> ReapedProcess {
    let mut command = process_reaper::command("epmd");
    command.args(["-port", &ports.epmd.to_string(), "-address", "127.0.0.1"]).env("PATH", &installation.path);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    ReapedProcess::spawn(&mut command)
}

fn start_server(installation: &Installation, ports: Ports, files: &Files) -> ReapedProcess {
    let console = File::options().create(true).append(true).open(files.path("console.txt")).expect("open console.txt");
    let mut command = process_reaper::command(&installation.server);
    files.point_here(&mut command, installation, ports);
    // So that the script becomes the VM, instead of watching over it: its process id is ours.
    command.env("RUNNING_UNDER_SYSTEMD", "true");
    command.stdout(console.try_clone().expect("duplicate a file handle")).stderr(console);
    ReapedProcess::spawn(&mut command)
}

/// Waits for the first frame of a handshake; a port that merely accepts is not enough. False if the server ends.
fn speaks_amqp(server: &mut ReapedProcess, ports: Ports) -> bool {
    let shaken = poll(START_LIMIT, || {
        if server.exit().is_some() {
            return Some(false);
        }
        begin_handshake(ports).is_ok().then_some(true)
    });
    shaken.unwrap_or(false)
}

fn begin_handshake(ports: Ports) -> std::io::Result<()> {
    let mut socket = TcpStream::connect((ports.address, ports.amqp))?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.write_all(b"AMQP\x00\x00\x09\x01")?;
    let mut frame = [0; 1];
    socket.read_exact(&mut frame)
}

fn all_threads_are_stopped(pid: u32) -> bool {
    let is_stopped = |status: String| status.lines().any(|line| line.starts_with("State:\tT"));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the threads of the broker");
    threads.flatten().all(|thread| std::fs::read_to_string(thread.path().join("status")).is_ok_and(is_stopped))
}
