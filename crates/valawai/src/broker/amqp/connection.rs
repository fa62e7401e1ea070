//! One connection, with a time limit on every call.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use amiquip::{AmqpValue, Auth, ConnectionBlockedNotification, ConnectionOptions, ConnectionTuning, FieldTable};
use crossbeam_channel::Receiver;
use parking_lot::Mutex;

use super::channel::{CALL_LIMIT, CLOSE_LIMIT, Channel};
use super::errors::{call_error, connect_error};
use super::frame_writer::FrameWriter;
use super::frames::MAX_FRAME;
use super::read_limiter::ReadLimiter;
use super::size_limit::SizeLimit;
use super::stream::Stream;
use super::tls_session;
use super::transport::Transport;
use super::watchdog::{Deadline, Watchdog};
use super::{Host, Options, socket};
use crate::broker::{BYTES_IN_FLIGHT, Error};

/// The limit of the handshake, during which the broker may look up its own host name.
const OPEN_LIMIT: Duration = Duration::from_secs(15);

/// How many messages fit between a thread and amiquip's I/O thread. With amiquip's default of 16 the two wake each
/// other constantly.
const CHANNEL_BOUND: usize = 64;

/// The number of unwritten bytes at which amiquip stops serving every channel. The messages in flight are far smaller.
const WRITE_BOUND: usize = 4 * BYTES_IN_FLIGHT;

/// Opens the connections of one session.
pub(super) struct Connector {
    pub(super) options: Options,
    pub(super) host: Host,
    pub(super) watchdog: Arc<Watchdog>,
}

pub(super) struct Connection {
    /// `None` when it is closed.
    inner: Mutex<Option<amiquip::Connection>>,
    /// For the log.
    name: String,
    socket: Arc<TcpStream>,
    read_limiter: Arc<ReadLimiter>,
    writer: Arc<FrameWriter>,
    deadline: Arc<Deadline>,
    watchdog: Arc<Watchdog>,
    blocked: Mutex<Blocked>,
    size_limit: SizeLimit,
    /// The first number of the broker's version; 0 if it is not known.
    major_version: u32,
}

/// Whether the broker blocks publishing on the connection, and its notifications of that.
struct Blocked {
    notifications: Receiver<ConnectionBlockedNotification>,
    is_blocked: bool,
}

impl Connector {
    /// Opens a connection that buffers about `buffer_limit` bytes of message bodies.
    pub(super) fn open(&self, purpose: &str, buffer_limit: usize) -> Result<Connection, Error> {
        let name = format!("to {purpose}");
        let socket = socket::connect(&self.host)?;
        let handle = Arc::new(socket.try_clone().map_err(Error::lost)?);
        let deadline = self.watchdog.deadline(name.clone(), Arc::clone(&handle));
        let transport = Arc::new(deadline.guard(OPEN_LIMIT, || self.transport(&handle))?);
        let writer = Arc::new(FrameWriter::new(Arc::clone(&transport)));
        let socket = mio::net::TcpStream::from_stream(socket).map_err(Error::lost)?;
        let stream = Stream::new(socket, transport, Arc::clone(&writer), buffer_limit);
        let read_limiter = Arc::clone(stream.read_limiter());
        self.watchdog.drive(&read_limiter, &writer);
        let options = connection_options(&self.options, &name);
        let open = || amiquip::Connection::insecure_open_stream(stream, options, tuning());
        let opened = deadline.guard(OPEN_LIMIT, open);
        let mut inner = opened.map_err(|error| connect_error(&self.host, &self.options, &error))?;
        let major_version = major_version(inner.server_properties());
        let notifications = inner.listen_for_connection_blocked().map_err(|error| call_error("open", &error))?;
        Ok(Connection {
            inner: Mutex::new(Some(inner)),
            name,
            socket: handle,
            read_limiter,
            writer,
            deadline,
            watchdog: Arc::clone(&self.watchdog),
            blocked: Mutex::new(Blocked { notifications, is_blocked: false }),
            size_limit: SizeLimit::default(),
            major_version,
        })
    }
}

impl Connector {
    /// What is read and written: with TLS, after its handshake, so that no login is sent to a server that is not trusted.
    fn transport(&self, socket: &Arc<TcpStream>) -> Result<Transport, Error> {
        if !self.options.is_encrypted {
            return Ok(Transport::plain(Arc::clone(socket)));
        }
        let connection = tls_session::handshake(&self.options.tls, &self.host.name, socket);
        let connection = connection.map_err(|reason| Error::Insecure { address: self.host.to_string(), reason })?;
        Ok(Transport::encrypted(Arc::clone(socket), connection))
    }
}

impl Connection {
    /// Opens a channel, with a deadline of its own because it may be used by another thread than the connection.
    pub(super) fn open_channel(&self) -> Result<Channel, Error> {
        let name = format!("{}, {}", self.name, thread::current().name().unwrap_or_default());
        let deadline = self.watchdog.deadline(name, Arc::clone(&self.socket));
        let mut inner = self.inner.lock();
        let connection = inner.as_mut().ok_or_else(|| Error::lost("it is closed"))?;
        let opened = deadline.guard(CALL_LIMIT, || connection.open_channel(None));
        Ok(Channel::new(opened.map_err(|error| call_error("open a channel", &error))?, deadline))
    }

    pub(super) fn read_limiter(&self) -> &ReadLimiter {
        &self.read_limiter
    }

    pub(super) fn writer(&self) -> &FrameWriter {
        &self.writer
    }

    /// The message sizes that the broker accepts.
    pub(super) fn size_limit(&self) -> &SizeLimit {
        &self.size_limit
    }

    /// The first number of the broker's version; 0 if it is not known.
    pub(super) fn major_version(&self) -> u32 {
        self.major_version
    }

    /// Whether the broker blocks publishing, as in a memory alarm.
    pub(super) fn is_blocked(&self) -> bool {
        let mut blocked = self.blocked.lock();
        while let Ok(notification) = blocked.notifications.try_recv() {
            blocked.is_blocked = matches!(notification, ConnectionBlockedNotification::Blocked(_));
        }
        blocked.is_blocked
    }

    /// Shuts down the socket: every call on the connection returns at once, with an error.
    pub(super) fn shutdown_socket(&self) {
        self.deadline.shutdown_socket();
    }

    /// Closes the connection before `deadline`, and returns what broke it, if anything did.
    pub(super) fn close(&self, deadline: Instant) -> Option<amiquip::Error> {
        let inner = self.inner.lock().take()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.shutdown_socket();
        }
        let limit = if left.is_zero() { CLOSE_LIMIT } else { left.min(CLOSE_LIMIT) };
        self.deadline.guard(limit, || inner.close()).err()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropping amiquip's connection would wait for the broker without a limit. The cause is of no use here.
        let _ = self.close(Instant::now() + CLOSE_LIMIT);
    }
}

fn major_version(server: &FieldTable) -> u32 {
    match server.get("version") {
        Some(AmqpValue::LongString(version)) => version.split('.').next().unwrap_or_default().parse().unwrap_or(0),
        _ => 0,
    }
}

fn connection_options(options: &Options, name: &str) -> ConnectionOptions<Auth> {
    let auth = if options.external {
        Auth::External
    } else {
        Auth::Plain { username: options.username.clone(), password: options.password.reveal().to_owned() }
    };
    ConnectionOptions::default()
        .auth(auth)
        .virtual_host(options.vhost.clone())
        .heartbeat(options.heartbeat)
        .frame_max(MAX_FRAME)
        .information(Some(format!("{}, {name}", options.client)))
}

fn tuning() -> ConnectionTuning {
    ConnectionTuning::default().mem_channel_bound(CHANNEL_BOUND).buffered_writes_high_water(WRITE_BOUND)
}
