//! The connections of one session.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::Mutex;

use super::Host;
use super::connection::{Connection, Connector};
use crate::broker::{BYTES_IN_FLIGHT, ConsumeOn, Error};

pub(super) struct Connections {
    pub(super) connector: Arc<Connector>,
    /// For queries to the broker, and for links that process quickly what they consume.
    pub(super) shared: Arc<Connection>,
    /// Separate from the others, because an alarm of the broker blocks a connection that publishes.
    pub(super) publishing: Arc<Connection>,
    /// One for each link whose deliveries may wait for a slow handler; `None` when the session is closed.
    dedicated: Mutex<Option<Vec<Arc<Connection>>>>,
}

impl Connections {
    /// Opens the connections that every session has, both at the same time.
    pub(super) fn open(connector: Connector) -> Result<Self, Error> {
        let open = |purpose| connector.open(purpose, BYTES_IN_FLIGHT).map(Arc::new);
        let (shared, publishing) = thread::scope(|scope| {
            let shared = thread::Builder::new().spawn_scoped(scope, || open("control")).map_err(Error::lost)?;
            let publishing = open("publish");
            let shared = shared.join().unwrap_or_else(|_| Err(Error::lost("connecting panicked")));
            Ok::<_, Error>((shared?, publishing?))
        })?;
        Ok(Self { connector: Arc::new(connector), shared, publishing, dedicated: Mutex::new(Some(Vec::new())) })
    }

    pub(super) fn host(&self) -> &Host {
        &self.connector.host
    }

    /// The connection on which a link consumes; opens a dedicated one.
    pub(super) fn for_consuming(&self, consume_on: ConsumeOn) -> Result<Arc<Connection>, Error> {
        let ConsumeOn::Dedicated { buffer_limit } = consume_on else { return Ok(Arc::clone(&self.shared)) };
        let opened = Arc::new(self.connector.open("consume", buffer_limit)?);
        match self.dedicated.lock().as_mut() {
            Some(dedicated) => dedicated.push(Arc::clone(&opened)),
            None => return Err(Error::lost("the session was closed meanwhile")),
        }
        Ok(opened)
    }

    /// Closes all connections before `deadline`: `gracefully`, or after shutting down their sockets. Returns what broke
    /// them.
    pub(super) fn close(&self, gracefully: bool, deadline: Instant) -> Vec<amiquip::Error> {
        let dedicated = self.dedicated.lock().take().unwrap_or_default();
        let all = || dedicated.iter().chain([&self.shared, &self.publishing]);
        if !gracefully {
            all().for_each(|connection| connection.shutdown_socket());
        }
        all().filter_map(|connection| connection.close(deadline)).collect()
    }
}
