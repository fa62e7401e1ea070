//! The simulator's threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::thread::{Builder, JoinHandle};

/// Large enough for the recursive readers of JSON and YAML at their nesting limits.
const STACK_SIZE: usize = 256 * 1024 * 1024;

/// The exit code of an internal error (`EX_SOFTWARE`).
pub(crate) const EXIT_INTERNAL_ERROR: u8 = 70;

/// Starts a thread that runs for the whole life of the process. If it ends, the process ends too: a simulator that has lost
/// one of its threads would fail tests in misleading ways.
pub(crate) fn spawn(task: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let guarded = move || {
        // The panic hook has already printed the message.
        let _ = catch_unwind(AssertUnwindSafe(task));
        exit(EXIT_INTERNAL_ERROR.into());
    };
    Builder::new().stack_size(STACK_SIZE).spawn(guarded).expect("the system starts a thread")
}
