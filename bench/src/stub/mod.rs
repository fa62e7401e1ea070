//! A broker that costs nothing: it hands out the same message again and again, confirms, and forgets.
//!
//! With it the work of a client can be counted alone, and comes out the same each time.

mod greeting;
mod session;

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use echo_bench::wire::Address;

use session::Session;

/// A stub that takes connections until this process ends.
#[derive(Debug)]
pub(crate) struct Stub {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    body: Vec<u8>,
    count: u64,
    times: Mutex<Times>,
    changed: Condvar,
}

/// What happened when.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// Somebody began to hear.
    pub(crate) heard: Option<Instant>,
    /// The last message was acknowledged.
    pub(crate) done: Option<Instant>,
}

impl Stub {
    /// Starts one that hands out `body`, `count` times.
    pub(crate) fn start(body: Vec<u8>, count: u64) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { body, count, times: Mutex::default(), changed: Condvar::new() });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&served);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Ok(Self { port, shared })
    }

    /// How to get in.
    pub(crate) fn address(&self) -> Address {
        Address {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            username: "mov".to_owned(),
            password: "password".to_owned(),
            vhost: "/".to_owned(),
        }
    }

    /// Waits until all messages are acknowledged, but not longer than `limit`.
    pub(crate) fn wait(&self, limit: Duration) -> Times {
        let times = self.shared.times.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.changed.wait_timeout_while(times, limit, |times| times.done.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Shared {
    fn note(&self, change: impl FnOnce(&mut Times, Instant)) {
        change(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        self.changed.notify_all();
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    // It ends with an error when the client goes, in whatever way.
    let _ = Session::begin(stream, shared).and_then(Session::run);
}
