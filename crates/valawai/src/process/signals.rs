//! SIGTERM, SIGINT and SIGHUP: the first one requests a shutdown, the second one ends the process at once.

use std::process;

use parking_lot::Mutex;

use crate::shutdown::{self, Shutdown, ShutdownHandle};

/// The exit code after a second signal: the one that a shell reports for an interrupt.
const INTERRUPTED: i32 = 130;

/// Requests the shutdown. A second signal finds none.
static HANDLE: Mutex<Option<ShutdownHandle>> = Mutex::new(None);

/// The shutdown that the first signal requests.
///
/// # Errors
/// If the signal handler cannot be installed.
pub fn catch() -> Result<Shutdown, ctrlc::Error> {
    let (handle, shutdown) = shutdown::channel();
    *HANDLE.lock() = Some(handle);
    ctrlc::set_handler(|| {
        let is_second = HANDLE.lock().take().is_none();
        if is_second {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(shutdown)
}

/// Requests the shutdown as a first signal does.
pub fn stop() {
    HANDLE.lock().take();
}
