//! A stub broker: it delivers the same message repeatedly, confirms what is published and discards it.
//!
//! Against it, the cost of a client can be measured in isolation and with little variance.

mod handshake;
mod session;

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use echo_bench::wire::Address;
use parking_lot::{Condvar, Mutex};

use session::Session;

/// A stub broker that accepts connections until the benchmark ends.
#[derive(Debug)]
pub(crate) struct StubBroker {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    body: Vec<u8>,
    /// How many messages are delivered.
    count: u64,
    times: Mutex<Times>,
    changed: Condvar,
}

/// When a run began and ended.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// When the client began to consume the input queue.
    pub(crate) consumer_started: Option<Instant>,
    /// When the client acknowledged the last message.
    pub(crate) all_acknowledged: Option<Instant>,
}

impl StubBroker {
    /// Starts a stub broker that delivers `body` `count` times.
    pub(crate) fn start(body: Vec<u8>, count: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { body, count, times: Mutex::default(), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&accepting);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Self { port, shared })
    }

    /// The address. Any credentials and virtual host are accepted.
    pub(crate) fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            username: "mov".to_owned(),
            password: "password".to_owned(),
            vhost: "/".to_owned(),
        }
    }

    /// Waits until all messages are acknowledged, for at most `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Times {
        let mut times = self.shared.times.lock();
        self.shared.changed.wait_while_for(&mut times, |times| times.all_acknowledged.is_none(), limit);
        *times
    }
}

impl Shared {
    fn record_consumer(&self) {
        self.times.lock().consumer_started = Some(Instant::now());
    }

    fn record_last_ack(&self) {
        self.times.lock().all_acknowledged = Some(Instant::now());
        self.changed.notify_all();
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    // A session always ends with an error: the client closes the socket.
    let _ = Session::start(stream, shared).and_then(Session::run);
}
