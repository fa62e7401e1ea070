//! A throw-away `RabbitMQ`: its own data, ports and name, on 127.0.0.1 only, and gone with the benchmark.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use echo_bench::wire::Address;
use tempfile::TempDir;

use crate::process::{Process, command};

/// Debian's place. Its wrapper in `/usr/sbin` would change the user; these scripts run as whoever calls them.
const DEBIAN: &str = "/usr/lib/rabbitmq/bin";

/// Names the folder of another `rabbitmq-server`.
const ELSEWHERE: &str = "BENCH_RABBITMQ";

const START_LIMIT: Duration = Duration::from_secs(90);

/// The virtual hosts: two, so that two components with the same queues can work beside each other.
pub(crate) const VHOSTS: [&str; 2] = ["/", "other"];

const DEFINITIONS: &str = r#"{
  "users": [{"name": "mov", "password": "password", "tags": "administrator"}],
  "vhosts": [{"name": "/"}, {"name": "other"}],
  "permissions": [
    {"user": "mov", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
    {"user": "mov", "vhost": "other", "configure": ".*", "write": ".*", "read": ".*"}
  ]
}"#;

/// A running broker. It ends when it is dropped, and when this process ends.
#[derive(Debug)]
pub(crate) struct Broker {
    port: u16,
    // In this order: the folder goes after the processes that write to it.
    server: Process,
    _epmd: Process,
    _folder: TempDir,
}

impl Broker {
    /// Starts one, and waits until it takes clients.
    pub(crate) fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("echo-bench-").tempdir()?;
        let [port, distribution, epmd_port] = free_ports()?;
        write_files(folder.path(), port)?;
        let mut epmd = command("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()]);
        let epmd = Process::start(epmd, &folder.path().join("epmd.txt"))?;
        let console = folder.path().join("console.txt");
        let server = start_server(folder.path(), &console, port, distribution, epmd_port)?;
        let mut broker = Self { port, server, _epmd: epmd, _folder: folder };
        broker.await_handshake(&console)?;
        Ok(broker)
    }

    /// How to get in, to one of its virtual hosts.
    pub(crate) fn address(&self, vhost: &str) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            username: "mov".to_owned(),
            password: "password".to_owned(),
            vhost: vhost.to_owned(),
        }
    }

    fn await_handshake(&mut self, console: &Path) -> io::Result<()> {
        let began = Instant::now();
        while !self.shakes_hands() {
            if self.server.has_ended()? || began.elapsed() > START_LIMIT {
                let words = fs::read_to_string(console).unwrap_or_default();
                return Err(io::Error::other(format!("RabbitMQ did not start:\n{words}")));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn shakes_hands(&self) -> bool {
        let shake = || -> io::Result<()> {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            socket.set_read_timeout(Some(Duration::from_secs(2)))?;
            socket.write_all(b"AMQP\x00\x00\x09\x01")?;
            socket.read_exact(&mut [0; 1])
        };
        shake().is_ok()
    }
}

fn start_server(folder: &Path, console: &Path, port: u16, distribution: u16, epmd: u16) -> io::Result<Process> {
    let program = std::env::var_os(ELSEWHERE).map_or_else(|| PathBuf::from(DEBIAN), PathBuf::from);
    let mut server = command(program.join("rabbitmq-server"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_")) {
        server.env_remove(name);
    }
    server
        .env("HOME", folder)
        .env("ERL_EPMD_PORT", epmd.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODENAME", format!("echo-bench-{port}@localhost"))
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        // Without an interface of its own, Erlang's distribution would listen on all of them.
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("no-such-file"))
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("no-such-file"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        // So that the script becomes the VM, instead of watching over it: its process id is ours.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    Process::start(server, console)
}

fn write_files(folder: &Path, port: u16) -> io::Result<()> {
    let definitions = folder.join("definitions.json");
    fs::write(&definitions, DEFINITIONS)?;
    fs::write(folder.join("enabled_plugins"), "[].\n")?;
    // A given cluster name spares the node a look-up of its host's name.
    let configuration = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {}
cluster_name = echo-bench
vm_memory_high_watermark.relative = 0.7
disk_free_limit.absolute = 100MB
log.console = false
log.file.level = warning
",
        definitions.display()
    );
    fs::write(folder.join("rabbitmq.conf"), configuration)?;
    let cookie = folder.join(".erlang.cookie");
    File::create(&cookie)?.write_all(format!("ECHOBENCH{}", std::process::id()).as_bytes())?;
    // Erlang refuses a cookie that others may read.
    fs::set_permissions(cookie, Permissions::from_mode(0o400))
}

/// Ports that nobody listens on now.
fn free_ports() -> io::Result<[u16; 3]> {
    // All are held until all are found, so that no two are the same.
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [listen()?, listen()?, listen()?];
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
