//! The connections of clients: only a few at a time, and each only for a few seconds.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Observed, http, pages};

/// How many connections there may be. One more ends the oldest: clients that hold connections keep nobody else out.
const MOST: usize = 8;

/// How long a connection may last.
pub(super) const LONGEST: Duration = Duration::from_secs(5);

/// The pause after a connection could not be accepted, as without file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The open connections. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    open: Arc<Mutex<VecDeque<Arc<TcpStream>>>>,
    observed: Arc<OnceLock<Observed>>,
    /// Only one client at a time has the metrics written.
    rendering: Arc<Mutex<()>>,
}

impl Connections {
    pub(super) fn new(observed: Arc<OnceLock<Observed>>) -> Self {
        Self { open: Arc::default(), observed, rendering: Arc::default() }
    }

    /// Answers each client on a thread of its own, as long as the process lives.
    pub(super) fn accept_from(&self, listener: &TcpListener) {
        for (number, client) in listener.incoming().enumerate() {
            match client {
                Ok(client) => self.start(number, &Arc::new(client)),
                Err(error) => {
                    log::debug!("cannot accept a connection to METRICS_ADDRESS: {error}");
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn start(&self, number: usize, client: &Arc<TcpStream>) {
        let mut open = self.open.lock();
        if open.len() >= MOST
            && let Some(oldest) = open.pop_front()
        {
            // Its thread notices that the connection is closed, and ends.
            let _ = oldest.shutdown(Shutdown::Both);
        }
        open.push_back(Arc::clone(client));
        drop(open);
        let (connections, served) = (self.clone(), Arc::clone(client));
        let spawned = thread::Builder::new().name(format!("telemetry-{number}")).spawn(move || {
            connections.serve(&served);
            connections.remove(&served);
        });
        if spawned.is_err() {
            self.remove(client);
        }
    }

    fn serve(&self, client: &TcpStream) {
        let answer = |request: &http::Request| {
            let _one_at_a_time = self.rendering.lock();
            pages::respond(request, self.observed.get())
        };
        if let Err(error) = http::serve(client, LONGEST, answer) {
            log::debug!("a connection to METRICS_ADDRESS ended: {error}");
        }
    }

    fn remove(&self, client: &Arc<TcpStream>) {
        self.open.lock().retain(|other| !Arc::ptr_eq(other, client));
    }
}
