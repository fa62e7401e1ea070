//! RabbitMQ, by way of amiquip. Nothing outside this folder names amiquip, so that another client can replace it.
//!
//! amiquip is quick, and used plainly it hangs for ever and loses messages. The rules that make it safe, one file each:
//! `socket` owns the socket, `watchdog` cuts the line when a call outlives its limit, `stream` with `frames` and
//! `read_limiter` bounds what comes in, `connection` puts a limit on every call, and `link` hears, says and settles: `intake`
//! with `drain` holds what it hears, and `sizes` keeps too large a message from closing its channel.

mod connection;
mod connections;
mod drain;
mod explain;
mod frames;
#[cfg(fuzzing)]
pub mod fuzzing;
mod link;
mod properties;
mod publisher;
mod queues;
mod read_limiter;
mod sizes;
mod socket;
mod stream;
mod subscriptions;
mod watchdog;

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use self::connection::{Channel, Connection};
use self::connections::Connections;
use self::link::AmqpLink;
use self::publisher::Publisher;
use self::watchdog::Watchdog;
use super::{ConsumeOn, Error, Job, PublishJob, Session};
use crate::secret::Secret;

/// Where the broker is, and who we are to it.
#[derive(Debug, Clone)]
pub struct Options {
    /// The hosts, tried in turn. Defaults to `mov-mq:5672`.
    pub hosts: Vec<Host>,
    /// The user. Defaults to `mov`.
    pub username: String,
    /// The user's password. Defaults to `password`.
    pub password: Secret,
    /// The virtual host. Defaults to `/`.
    pub vhost: String,
    /// Seconds between heartbeats: a dead connection is noticed after two of them. Defaults to 10.
    pub heartbeat: u16,
    /// How the broker's operator sees us in the list of connections.
    pub client: String,
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
    /// Every thread of the session holds a sender until its link is gone.
    running: Sender<()>,
    ended: Receiver<()>,
}

/// Connects to the first host that takes the connections of a session. `number` tells the session from all others of this process, and
/// each begins at another host: one that takes connections and serves nobody must not hold us.
///
/// # Errors
/// When no host does: what was wrong with the last.
pub fn connect(options: &Options, number: u64) -> Result<AmqpSession, Error> {
    let watchdog = Arc::new(Watchdog::start().map_err(Error::lost)?);
    let mut refusal = None;
    for host in in_turn(&options.hosts, number) {
        match AmqpSession::open(options, host, &watchdog) {
            Ok(session) => return Ok(session),
            Err(error) => {
                if let Some(earlier) = refusal.replace(error) {
                    log::warn!("{earlier}; the next host was tried");
                }
            }
        }
    }
    Err(refusal.unwrap_or_else(|| Error::lost("no host is configured")))
}

/// All hosts, beginning with the one whose turn it is; the first session begins with the first.
fn in_turn(hosts: &[Host], number: u64) -> impl Iterator<Item = &Host> {
    let turn = usize::try_from(number.saturating_sub(1)).unwrap_or_default() % hosts.len().max(1);
    hosts.iter().cycle().skip(turn).take(hosts.len())
}

impl AmqpSession {
    fn open(options: &Options, host: &Host, watchdog: &Arc<Watchdog>) -> Result<Self, Error> {
        let connections = Arc::new(Connections::open(options, host, watchdog)?);
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
            let channels = match Channels::open(connections, consume_on) {
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
        let Self { connections, running, ended, .. } = *self;
        drop(running);
        // Nothing is ever sent: this ends with `Disconnected` when the last thread has ended, or with a timeout.
        let all_ended = matches!(ended.recv_deadline(deadline), Err(crossbeam_channel::RecvTimeoutError::Disconnected));
        let causes = connections.close(all_ended && !connections.publishing.is_blocked(), deadline);
        let heaviest = causes.into_iter().max_by_key(explain::weight)?;
        Some(Error::Lost { reason: explain::cause(&heaviest) })
    }
}

/// The channels of a link. They are dropped before their connections.
struct Channels {
    consuming: Channel,
    publishing: Channel,
    consuming_connection: Arc<Connection>,
    publishing_connection: Arc<Connection>,
    /// For questions to the broker, which must not wait behind deliveries.
    control_connection: Arc<Connection>,
}

impl Channels {
    fn open(connections: &Connections, consume_on: ConsumeOn) -> Result<Self, Error> {
        let consuming_connection = connections.to_consume(consume_on)?;
        Ok(Self {
            consuming: consuming_connection.open_channel()?,
            publishing: connections.publishing.open_channel()?,
            consuming_connection,
            publishing_connection: Arc::clone(&connections.publishing),
            control_connection: Arc::clone(&connections.shared),
        })
    }
}
