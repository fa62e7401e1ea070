//! A temporary `RabbitMQ` broker with its own data, ports and node name, reachable only on 127.0.0.1.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use echo_bench::wire::{Address, PROTOCOL_HEADER};
use tempfile::TempDir;

use super::broker_files::{CA_FILE, CONFIGURATION_FILE, PASSWORD, PLUGINS_FILE, USERNAME, write_files};
use super::process::{Process, command};

/// Debian's folder of RabbitMQ's own scripts. The wrapper in `/usr/sbin` would switch to another user.
const DEBIAN_SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// The environment variable with another folder that contains `rabbitmq-server`.
const SCRIPTS_VARIABLE: &str = "BENCH_RABBITMQ";

const START_LIMIT: Duration = Duration::from_secs(90);

/// The virtual hosts. There are two so that two components with equal queue names can run at the same time.
pub(crate) const VHOSTS: [&str; 2] = ["/", "other"];

/// A running broker. Dropping it stops the broker and deletes its data.
#[derive(Debug)]
pub(crate) struct Broker {
    port: u16,
    tls: Tls,
    // Fields are dropped in this order: the processes must end before their folder is deleted.
    server: Process,
    _epmd: Process,
    _folder: TempDir,
}

/// How to reach the broker with TLS.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) port: u16,
    /// The certificate of the authority to trust.
    pub(crate) ca_file: PathBuf,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    amqp: u16,
    tls: u16,
    distribution: u16,
    epmd: u16,
}

impl Broker {
    /// Starts a broker and waits until it accepts clients.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("echo-bench-").tempdir()?;
        let ports = free_ports()?;
        write_files(folder.path(), ports.amqp, ports.tls)?;
        let mut epmd = command("epmd");
        epmd.args(["-address", "127.0.0.1", "-port", &ports.epmd.to_string()]);
        let epmd = Process::start(epmd, &folder.path().join("epmd.txt")).context("could not start epmd")?;
        let output = folder.path().join("console.txt");
        let server = start_server(folder.path(), &output, ports).context("could not start RabbitMQ")?;
        let tls = Tls { port: ports.tls, ca_file: folder.path().join(CA_FILE) };
        let mut broker = Self { port: ports.amqp, tls, server, _epmd: epmd, _folder: folder };
        broker.await_readiness(&output)?;
        Ok(broker)
    }

    /// The address of one of the [`VHOSTS`].
    pub(crate) fn address(&self, vhost: &str) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            username: USERNAME.to_owned(),
            password: PASSWORD.to_owned(),
            vhost: vhost.to_owned(),
        }
    }

    /// How to reach it with TLS.
    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }

    fn await_readiness(&mut self, output: &Path) -> Result<()> {
        let start = Instant::now();
        while self.handshake().is_err() {
            if self.server.has_exited()? || start.elapsed() > START_LIMIT {
                bail!("RabbitMQ did not start:\n{}", fs::read_to_string(output).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Sends the protocol header and waits for the first byte of the answer.
    fn handshake(&self) -> io::Result<()> {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        socket.write_all(PROTOCOL_HEADER)?;
        socket.read_exact(&mut [0; 1])
    }
}

fn start_server(folder: &Path, output: &Path, ports: Ports) -> Result<Process> {
    let scripts = env::var_os(SCRIPTS_VARIABLE).map_or_else(|| PathBuf::from(DEBIAN_SCRIPTS), PathBuf::from);
    let mut server = command(scripts.join("rabbitmq-server"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_")) {
        server.env_remove(name);
    }
    server
        .env("HOME", folder)
        .env("ERL_EPMD_PORT", ports.epmd.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODENAME", format!("echo-bench-{}@localhost", ports.amqp))
        .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
        // By default Erlang's distribution listens on all interfaces.
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        .env("RABBITMQ_CONF_ENV_FILE", folder.join("no-such-file"))
        .env("RABBITMQ_CONFIG_FILE", folder.join(CONFIGURATION_FILE))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", folder.join("no-such-file"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join(PLUGINS_FILE))
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        // With this the script replaces itself by the Erlang VM, so that signals to our child reach the VM.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    Ok(Process::start(server, output)?)
}

fn free_ports() -> io::Result<Ports> {
    // All listeners stay open until the end, so that no two ports are equal.
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let [amqp, tls, distribution, epmd] = [listen()?, listen()?, listen()?, listen()?];
    Ok(Ports {
        amqp: amqp.local_addr()?.port(),
        tls: tls.local_addr()?.port(),
        distribution: distribution.local_addr()?.port(),
        epmd: epmd.local_addr()?.port(),
    })
}
