//! SIGTERM, SIGINT and SIGHUP: the first one stops the component in order, a second one at once.

use std::process;
use std::sync::{Mutex, PoisonError};

use crate::broker::Stop;

/// The exit code after a second signal, as a shell would tell of an interrupt.
const INTERRUPTED: i32 = 130;

/// What the first signal calls.
///
/// # Errors
/// When the signals cannot be caught.
pub fn catch() -> Result<Stop, ctrlc::Error> {
    let (sender, stop) = crossbeam_channel::bounded(0);
    // Dropping the only sender is what calls.
    let sender = Mutex::new(Some(sender));
    ctrlc::set_handler(move || {
        if sender.lock().unwrap_or_else(PoisonError::into_inner).take().is_none() {
            process::exit(INTERRUPTED);
        }
    })?;
    Ok(stop)
}
