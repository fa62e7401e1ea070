//! Serves what the process does, and whether it is well, over HTTP: `/metrics`, `/health/live` and `/health/ready`.
//!
//! It has threads of its own, takes part in nothing, and only reads counters that there are anyway. What clients can cost is
//! bounded: connections, the size and the time of a request, and the number of time series.

mod connections;
mod deadline;
mod exposition;
mod http;
mod negotiation;
mod pages;
mod process;
pub mod table;
mod text_format;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::thread;

use self::connections::Connections;
use crate::health::status::ConsumerStatus;
use crate::mov::component_info::ComponentInfo;
use crate::mov::log::MovLog;
use crate::operations::Operations;
use crate::shutdown::Shutdown;

/// A host, and a port; 0 is any free one.
pub type Address = (String, u16);

/// What is shown of a process.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The component.
    pub info: ComponentInfo,
    /// Its counters.
    pub operations: Operations,
    /// The state of its consumers, and its health.
    pub status: Arc<ConsumerStatus>,
    /// The MOV's log.
    pub log: MovLog,
    /// The stop of the process.
    pub shutdown: Shutdown,
}

/// Serves until the process ends, so that its stop can be observed as well.
#[derive(Debug, Clone)]
pub struct Telemetry {
    address: SocketAddr,
    observed: Arc<OnceLock<Observed>>,
}

impl Telemetry {
    /// Serves on `address`. Until something is [observed](Self::observe), the process is live and not ready.
    ///
    /// # Errors
    /// If the address cannot be used, or the system cannot start a thread.
    pub fn serve(address: &Address) -> io::Result<Self> {
        let (host, port) = address;
        let listener = TcpListener::bind((&**host, *port))?;
        let address = listener.local_addr()?;
        let observed = Arc::new(OnceLock::new());
        let connections = Connections::new(Arc::clone(&observed));
        thread::Builder::new().name("telemetry".into()).spawn(move || connections.accept_from(&listener))?;
        Ok(Self { address, observed })
    }

    /// The address, with the port that was chosen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, shows the process itself.
    pub fn observe(&self, observed: Observed) {
        // It is called once.
        let _ = self.observed.set(observed);
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
