//! RabbitMQ, through amiquip. Nothing outside this folder names amiquip, so that another client can replace it.
//!
//! Used plainly, amiquip can hang, lose messages and exhaust the memory. One file implements each rule that prevents
//! it: `socket` connects, `watchdog` shuts down the socket of a call that exceeds its deadline, `stream` checks what is
//! received (`frames`) and bounds it (`read_limiter`), `publish_frames` and `frame_writer` publish without amiquip's
//! slow path, `transport` and `tls_session` encrypt, `connection` and `channel` put a limit on every call,
//! `subscriptions` holds the consumers of a link and `drain` cancels them, and `size_limit` detects messages that are
//! too large for the broker.

mod channel;
mod confirms;
mod connection;
mod connections;
mod drain;
mod errors;
mod exchanges;
mod frame_writer;
mod frames;
#[cfg(fuzzing)]
pub mod fuzzing;
mod inspector;
mod link;
pub mod operator;
mod properties;
mod publish_frames;
mod publisher;
mod queues;
mod read_limiter;
mod size_limit;
mod socket;
mod stream;
mod subscription;
mod subscriptions;
mod tls_session;
mod transport;
mod watchdog;

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use self::channel::LinkChannels;
use self::connection::Connector;
use self::connections::Connections;
use self::link::AmqpLink;
use self::publisher::Publisher;
use self::watchdog::Watchdog;
use super::{ConsumeOn, Error, Job, PublishJob, Session};
use crate::secret::Secret;
use crate::tls;

/// The AMQP port if none is given, and the one with TLS.
const DEFAULT_PORT: u16 = 5672;
const DEFAULT_TLS_PORT: u16 = 5671;

/// The stack size of threads that only move deliveries or watch deadlines.
const SMALL_STACK: usize = 128 * 1024;

/// How to connect to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The hosts, tried in turn. Defaults to `mov-mq:5672`.
    pub hosts: Vec<Host>,
    /// The user. Defaults to `mov`.
    pub username: String,
    /// The user's password. Defaults to `password`.
    pub password: Secret,
    /// The virtual host. Defaults to `/`.
    pub vhost: String,
    /// Seconds between heartbeats: a dead connection is detected after two of them. Defaults to 10.
    pub heartbeat: u16,
    /// Whether to connect with TLS. Off by default.
    pub is_encrypted: bool,
    /// Whom to trust with TLS, and the client certificate.
    pub tls: tls::Options,
    /// Whether the client certificate is the login (SASL EXTERNAL), instead of the user and the password.
    pub external: bool,
    /// The name of this client in the broker's list of connections.
    pub client: String,
}

/// The AMQP port if none is given.
#[must_use]
pub fn default_port(is_encrypted: bool) -> u16 {
    if is_encrypted { DEFAULT_TLS_PORT } else { DEFAULT_PORT }
}

/// One of the broker's hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name or an address.
    pub name: String,
    /// The AMQP port.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.name, self.port)
    }
}

/// A session with RabbitMQ.
pub struct AmqpSession {
    connections: Arc<Connections>,
    /// Every thread of the session holds a clone until its link is closed.
    running: Sender<()>,
    ended: Receiver<()>,
}

/// Opens a session with the first host that accepts it. `number` counts the sessions of this process, from 1. Each
/// session starts at the next host, so that a host that accepts connections but does not work is not tried first every
/// time.
///
/// # Errors
/// If no host accepts the session: the error of the last one.
pub fn connect(options: &Options, number: u64) -> Result<AmqpSession, Error> {
    let watchdog = Arc::new(Watchdog::start().map_err(Error::lost)?);
    let mut last_error = None;
    for host in rotated(&options.hosts, number) {
        let connector = Connector { options: options.clone(), host: host.clone(), watchdog: Arc::clone(&watchdog) };
        match AmqpSession::open(connector) {
            Ok(session) => return Ok(session),
            Err(error) => {
                if let Some(earlier) = last_error.replace(error) {
                    log::warn!("{earlier}; the next host was tried");
                }
            }
        }
    }
    Err(last_error.unwrap_or_else(|| Error::lost("no host is configured")))
}

/// All hosts, starting with the first one for the first session.
fn rotated(hosts: &[Host], session: u64) -> impl Iterator<Item = &Host> {
    let first = usize::try_from(session.saturating_sub(1)).unwrap_or_default() % hosts.len().max(1);
    hosts.iter().cycle().skip(first).take(hosts.len())
}

impl AmqpSession {
    fn open(connector: Connector) -> Result<Self, Error> {
        let connections = Arc::new(Connections::open(connector)?);
        let (running, ended) = crossbeam_channel::bounded(0);
        Ok(Self { connections, running, ended })
    }

    /// The host of the connections.
    #[must_use]
    pub fn host(&self) -> &Host {
        self.connections.host()
    }

    fn start(&self, name: &str, work: impl FnOnce(&Connections) + Send + 'static) -> Result<(), Error> {
        let (connections, running) = (Arc::clone(&self.connections), self.running.clone());
        let work = move || {
            work(&connections);
            // `close` waits for this, and by now the channels are closed.
            drop(running);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::lost)?;
        Ok(())
    }
}

impl Session for AmqpSession {
    fn spawn(&mut self, name: &str, consume_on: ConsumeOn, job: Job) -> Result<(), Error> {
        self.start(name, move |connections| {
            let channels = match LinkChannels::open(connections, consume_on) {
                Ok(channels) => channels,
                Err(error) => return job(Err(error)),
            };
            match AmqpLink::new(&channels) {
                Ok(mut link) => job(Ok(&mut link)),
                Err(error) => job(Err(error)),
            }
        })
    }

    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error> {
        self.start(name, move |connections| {
            let connection = &connections.publishing;
            match connection.open_channel() {
                Ok(channel) => job(Ok(&mut Publisher::new(&channel, connection))),
                Err(error) => job(Err(error)),
            }
        })
    }

    fn close(self: Box<Self>, deadline: Instant) -> Option<Error> {
        let Self { connections, running, ended } = *self;
        drop(running);
        // Nothing is ever sent: the channel is disconnected when the last thread has ended.
        let all_ended = ended.recv_deadline(deadline) == Err(RecvTimeoutError::Disconnected);
        // A broker that blocks publishing does not answer a close either.
        let gracefully = all_ended && !connections.publishing.is_blocked();
        let causes = connections.close(gracefully, deadline);
        let cause = causes.into_iter().max_by_key(errors::specificity)?;
        Some(Error::Lost { reason: errors::cause(&cause) })
    }
}
