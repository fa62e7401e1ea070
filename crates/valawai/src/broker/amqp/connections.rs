//! The connections of one session: one to publish, one for all that must not wait, and one for each link whose messages
//! may wait for a slow handler.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::connection::Connection;
use super::watchdog::Watchdog;
use super::{Host, Options};
use crate::broker::{BYTES_IN_FLIGHT, ConsumeOn, Error};

pub(super) struct Connections {
    options: Options,
    host: Host,
    watchdog: Arc<Watchdog>,
    /// For questions to the broker, and for links that take promptly what they consume.
    pub(super) shared: Arc<Connection>,
    /// Apart from the others, because an alarm of the broker freezes a connection that publishes.
    pub(super) publishing: Arc<Connection>,
    /// Those of one link each; `None` when the session is closed.
    own: Mutex<Option<Vec<Arc<Connection>>>>,
}

impl Connections {
    /// Opens those that every session has, both at a time.
    pub(super) fn open(options: &Options, host: &Host, watchdog: &Arc<Watchdog>) -> Result<Self, Error> {
        let open = |purpose| Connection::open(options, host, purpose, BYTES_IN_FLIGHT, watchdog).map(Arc::new);
        let (shared, publishing) = thread::scope(|scope| {
            let shared = thread::Builder::new().spawn_scoped(scope, || open("control")).map_err(Error::lost)?;
            let publishing = open("publish");
            let shared = shared.join().unwrap_or_else(|_| Err(Error::lost("connecting panicked")));
            Ok::<_, Error>((shared?, publishing?))
        })?;
        let own = Mutex::new(Some(Vec::new()));
        Ok(Self {
            options: options.clone(),
            host: host.clone(),
            watchdog: Arc::clone(watchdog),
            shared,
            publishing,
            own,
        })
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// The connection that a link consumes on.
    pub(super) fn to_consume(&self, on: ConsumeOn) -> Result<Arc<Connection>, Error> {
        let ConsumeOn::Own { held_bytes } = on else { return Ok(Arc::clone(&self.shared)) };
        let opened = Connection::open(&self.options, &self.host, "consume", held_bytes, &self.watchdog)?;
        let opened = Arc::new(opened);
        match self.own().as_mut() {
            Some(own) => own.push(Arc::clone(&opened)),
            None => return Err(Error::lost("the session was closed meanwhile")),
        }
        Ok(opened)
    }

    /// Closes them all before `deadline`, `politely` or by cutting the line. Returns what had broken them.
    pub(super) fn close(&self, politely: bool, deadline: Instant) -> Vec<amiquip::Error> {
        let own = self.own().take().unwrap_or_default();
        let all = || own.iter().chain([&self.shared, &self.publishing]);
        if !politely {
            all().for_each(|connection| connection.cut());
        }
        all().filter_map(|connection| connection.close_before(deadline)).collect()
    }

    fn own(&self) -> MutexGuard<'_, Option<Vec<Arc<Connection>>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
