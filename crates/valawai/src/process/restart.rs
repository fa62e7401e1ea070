//! When a task that ended is started again within its session.

use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::supervisor::{Role, TaskExit};
use crate::broker::Error;
use crate::broker::backoff::Backoff;
use crate::clock;
use crate::service::Service;

/// The longest pause before a process that is not the registrar tries again to become it.
const REGISTRAR_RETRY: Duration = Duration::from_millis(500);

/// The same if the broker denies the registrar its queue, as it does while the node of that queue is down.
const DENIED_RETRY: Duration = Duration::from_secs(5);

/// The pause before the service for operators is started again.
const SERVICE_RETRY: Duration = Duration::from_secs(5);

/// When to start the registrar again after this exit. The exit of any other task ends the session.
pub(super) fn after(exit: TaskExit) -> Result<Receiver<Instant>, Error> {
    match (exit.role, exit.result) {
        (Role::Registrar, Err(Error::LockHeld { queue })) => {
            log::debug!("another process consumes {queue} and registers the component");
            Ok(clock::after(Backoff::new(REGISTRAR_RETRY, REGISTRAR_RETRY).pause()))
        }
        // Without the MOV, the component can still serve those that are connected to it.
        (Role::Registrar, Err(error @ Error::Denied { .. })) => {
            log::warn!("{error}; the component goes on, and registering is retried in {DENIED_RETRY:?}");
            Ok(clock::after(DENIED_RETRY))
        }
        (_, result) => Err(reason_of(result)),
    }
}

/// When to start the service again after it ended. The component works without it.
pub(super) fn after_service(result: Result<(), Error>, service: Option<&Service>) -> Receiver<Instant> {
    match (result, service) {
        (Err(error @ Error::Denied { .. }), Some(service)) => {
            service.report_denial(&error);
            crossbeam_channel::never()
        }
        _ => clock::after(SERVICE_RETRY),
    }
}

/// Why a session is over when a task ends before the shutdown.
pub(super) fn reason_of(result: Result<(), Error>) -> Error {
    result.err().unwrap_or_else(|| Error::lost("a task ended"))
}
