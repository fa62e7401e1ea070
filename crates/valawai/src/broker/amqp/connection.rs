//! One connection, each call on it under a time limit.

use std::net::TcpStream;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use amiquip::{Auth, ConnectionBlockedNotification, ConnectionOptions, ConnectionTuning};
use crossbeam_channel::Receiver;

use super::explain::{explain, refusal};
use super::frames::LARGEST_FRAME;
use super::read_limiter::ReadLimiter;
use super::sizes::Sizes;
use super::stream::Stream;
use super::watchdog::{Line, Watchdog};
use super::{Host, Options, socket};
use crate::broker::{BYTES_IN_FLIGHT, Error};

/// The handshake: it may include the broker's look-up of its own name.
const OPEN_LIMIT: Duration = Duration::from_secs(15);

/// Any question to the broker.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(10);

/// How long a write may wait for space in amiquip's buffer, which is far larger than what is in flight.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// Closing, which must not hold up a stop.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Messages that fit between a thread and amiquip's own: with amiquip's default of 16 the two wake each other all the time.
const CHANNEL_BOUND: usize = 64;

/// amiquip stops to serve every channel when so many bytes wait to be written. Our own windows are far smaller.
const WRITE_BOUND: usize = 4 * BYTES_IN_FLIGHT;

pub(super) struct Connection {
    inner: Mutex<Option<amiquip::Connection>>,
    purpose: String,
    socket: Arc<TcpStream>,
    read_limiter: Arc<ReadLimiter>,
    line: Arc<Line>,
    watchdog: Arc<Watchdog>,
    blocked: Mutex<Blocked>,
    sizes: Sizes,
}

/// Whether the broker takes no messages for now, and how we hear that it changed.
struct Blocked {
    changes: Receiver<ConnectionBlockedNotification>,
    now: bool,
}

impl Connection {
    /// Connects to `host`. No more than about `held_bytes` of bodies wait in it to be taken.
    pub(super) fn open(
        options: &Options,
        host: &Host,
        purpose: &str,
        held_bytes: usize,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, Error> {
        let socket = socket::connect(host)?;
        let handle = Arc::new(socket.try_clone().map_err(Error::lost)?);
        let stream = Stream::new(mio::net::TcpStream::from_stream(socket).map_err(Error::lost)?, held_bytes);
        let read_limiter = Arc::clone(stream.read_limiter());
        watchdog.nudge(&read_limiter);
        let line = watchdog.line(format!("to {purpose}"), Arc::clone(&handle));
        let open = || amiquip::Connection::insecure_open_stream(stream, introduce(options, purpose), tuning());
        let mut inner = line.within(OPEN_LIMIT, open).map_err(|error| refusal(host, &error))?;
        let changes = inner.listen_for_connection_blocked().map_err(|error| explain("open", &error))?;
        Ok(Self {
            inner: Mutex::new(Some(inner)),
            purpose: format!("to {purpose}"),
            socket: handle,
            read_limiter,
            line,
            watchdog: Arc::clone(watchdog),
            blocked: Mutex::new(Blocked { changes, now: false }),
            sizes: Sizes::default(),
        })
    }

    /// A new channel, with a line of its own because another thread may use it.
    pub(super) fn open_channel(&self) -> Result<Channel, Error> {
        let name = format!("{}, {}", self.purpose, std::thread::current().name().unwrap_or_default());
        let line = self.watchdog.line(name, Arc::clone(&self.socket));
        let mut inner = lock(&self.inner);
        let connection = inner.as_mut().ok_or_else(|| Error::lost("it is closed"))?;
        let opened = line.within(CALL_LIMIT, || connection.open_channel(None));
        let inner = opened.map_err(|error| explain("open a channel", &error))?;
        Ok(Channel { inner: Some(inner), line })
    }

    pub(super) fn read_limiter(&self) -> &Arc<ReadLimiter> {
        &self.read_limiter
    }

    /// What is known of the sizes that the broker takes.
    pub(super) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    pub(super) fn is_blocked(&self) -> bool {
        let mut blocked = lock(&self.blocked);
        while let Ok(change) = blocked.changes.try_recv() {
            blocked.now = matches!(change, ConnectionBlockedNotification::Blocked(_));
        }
        blocked.now
    }

    /// Makes every call on the connection return at once, with an error.
    pub(super) fn cut(&self) {
        self.line.cut();
    }

    /// Closes it before `deadline`, and returns what had broken it.
    pub(super) fn close_before(&self, deadline: Instant) -> Option<amiquip::Error> {
        let inner = lock(&self.inner).take()?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // It closes at once then.
            self.cut();
        }
        let limit = if left.is_zero() { CLOSE_LIMIT } else { left.min(CLOSE_LIMIT) };
        self.line.within(limit, || inner.close()).err()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropping amiquip's connection waits for the broker too; what was wrong with it nobody asks any more.
        let _ = self.close_before(Instant::now() + CLOSE_LIMIT);
    }
}

/// A channel, closed within a limit when it is dropped.
pub(super) struct Channel {
    inner: Option<amiquip::Channel>,
    line: Arc<Line>,
}

impl Channel {
    /// Makes `call` on the channel, within the limit of a question to the broker; `action` says what for.
    pub(super) fn ask<T>(
        &self,
        action: &str,
        call: impl FnOnce(&amiquip::Channel) -> amiquip::Result<T>,
    ) -> Result<T, Error> {
        self.ask_within(CALL_LIMIT, action, call)
    }

    /// The same within another limit.
    pub(super) fn ask_within<T>(
        &self,
        limit: Duration,
        action: &str,
        call: impl FnOnce(&amiquip::Channel) -> amiquip::Result<T>,
    ) -> Result<T, Error> {
        self.line.within(limit, || call(self)).map_err(|error| explain(action, &error))
    }

    /// Writes something to which the broker gives no immediate answer.
    pub(super) fn write(
        &self,
        action: &str,
        call: impl FnOnce(&amiquip::Channel) -> amiquip::Result<()>,
    ) -> Result<(), Error> {
        self.ask_within(WRITE_LIMIT, action, call)
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }
}

impl Deref for Channel {
    type Target = amiquip::Channel;

    fn deref(&self) -> &amiquip::Channel {
        self.inner.as_ref().expect("the channel is there until it is dropped")
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        let inner = self.inner.take();
        self.line.within(CLOSE_LIMIT, || drop(inner));
    }
}

fn introduce(options: &Options, purpose: &str) -> ConnectionOptions<Auth> {
    let auth = Auth::Plain { username: options.username.clone(), password: options.password.reveal().to_owned() };
    ConnectionOptions::default()
        .auth(auth)
        .virtual_host(options.vhost.clone())
        .heartbeat(options.heartbeat)
        .frame_max(LARGEST_FRAME)
        .information(Some(format!("{}, to {purpose}", options.client)))
}

fn tuning() -> ConnectionTuning {
    ConnectionTuning::default().mem_channel_bound(CHANNEL_BOUND).buffered_writes_high_water(WRITE_BOUND)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
