//! RabbitMQ, by way of amiquip. Nothing outside this folder names amiquip, so that another client can replace it.
//!
//! amiquip is quick, and used plainly it hangs for ever and loses messages. The rules that make it safe, one file each:
//! `socket` owns the socket, `watchdog` cuts the line when a call outlives its limit, `stream` with `frames` and
//! `gate` bounds what comes in, `connection` puts a limit on every call, and `link` hears, says and settles: `intake`
//! with `drain` holds what it hears, and `sizes` keeps too large a message from closing its channel.

mod connection;
mod connections;
mod drain;
mod explain;
mod frames;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gate;
mod intake;
mod link;
mod properties;
mod queues;
mod sizes;
mod socket;
mod stream;
mod watchdog;

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use self::connection::{Channel, Connection};
use self::connections::Connections;
use self::link::AmqpLink;
use self::watchdog::Watchdog;
use super::{ConsumeOn, Error, Job, Session};
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
    number: u64,
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
        match AmqpSession::open(options, host, number, &watchdog) {
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
    fn open(options: &Options, host: &Host, number: u64, watchdog: &Arc<Watchdog>) -> Result<Self, Error> {
        let connections = Arc::new(Connections::open(options, host, watchdog)?);
        let (running, ended) = crossbeam_channel::bounded(0);
        Ok(Self { number, connections, running, ended })
    }

    /// The host that took us.
    #[must_use]
    pub fn host(&self) -> &Host {
        self.connections.host()
    }
}

impl Session for AmqpSession {
    fn spawn(&mut self, name: &str, consumes_on: ConsumeOn, job: Job) -> Result<(), Error> {
        let (connections, session, running) = (Arc::clone(&self.connections), self.number, self.running.clone());
        let work = move || {
            match Channels::open(&connections, consumes_on, session) {
                Ok(channels) => match AmqpLink::new(&channels) {
                    Ok(mut link) => job(Ok(&mut link)),
                    Err(error) => job(Err(error)),
                },
                Err(error) => job(Err(error)),
            }
            // The sign of life goes last, when the channels are closed.
            drop(running);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::lost)?;
        Ok(())
    }

    fn close(self: Box<Self>, deadline: Instant) -> Option<Error> {
        let Self { connections, running, ended, .. } = *self;
        drop(running);
        // Nobody ever sends: it ends with `Disconnected` when the last thread is gone, or with a timeout.
        let all_ended = matches!(ended.recv_deadline(deadline), Err(crossbeam_channel::RecvTimeoutError::Disconnected));
        let causes = connections.close(all_ended && !connections.publishing.is_blocked(), deadline);
        let heaviest = causes.into_iter().max_by_key(explain::weight)?;
        Some(Error::Lost { reason: explain::cause(&heaviest) })
    }
}

/// What a link needs, and is outlived by. The channels go before their connections.
struct Channels {
    hearing: Channel,
    saying: Channel,
    hearing_connection: Arc<Connection>,
    saying_connection: Arc<Connection>,
    /// For questions, which must not wait behind deliveries.
    asking_connection: Arc<Connection>,
    session: u64,
}

impl Channels {
    fn open(connections: &Connections, consumes_on: ConsumeOn, session: u64) -> Result<Self, Error> {
        let hearing_connection = connections.to_consume(consumes_on)?;
        Ok(Self {
            hearing: hearing_connection.open_channel()?,
            saying: connections.publishing.open_channel()?,
            hearing_connection,
            saying_connection: Arc::clone(&connections.publishing),
            asking_connection: Arc::clone(&connections.shared),
            session,
        })
    }
}
