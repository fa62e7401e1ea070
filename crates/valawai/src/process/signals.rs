//! SIGTERM, SIGINT and SIGHUP: the first one requests a shutdown, the second one ends the process at once.

use std::process;
use std::sync::{Mutex, PoisonError};

use crate::shutdown::{self, Shutdown};

/// The exit code after a second signal: the one that a shell reports for an interrupt.
const INTERRUPTED: i32 = 130;

/// The shutdown that the first signal requests.
///
/// # Errors
/// If the signal handler cannot be installed.
pub fn catch() -> Result<Shutdown, ctrlc::Error> {
    let (handle, shutdown) = shutdown::channel();
    let handle = Mutex::new(Some(handle));
    ctrlc::set_handler(move || {
        let is_second = handle.lock().unwrap_or_else(PoisonError::into_inner).take().is_none();
        if is_second {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(shutdown)
}
