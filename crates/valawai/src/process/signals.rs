//! SIGTERM, SIGINT and SIGHUP: the first one requests a shutdown, the second one ends the process at once.

use std::process;

use parking_lot::Mutex;

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
        let is_second = handle.lock().take().is_none();
        if is_second {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(shutdown)
}
