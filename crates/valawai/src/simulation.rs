//! What a simulation replaces: the clock, threads, and whatever blocks one.
//!
//! The component asks for [`current`] wherever it reads the clock, starts a thread or waits. Without the feature `simulation`,
//! which only the crate `simulation` enables, there is none, and the compiler removes the question. With it, there is one on a
//! thread that has called `install`; all other threads run as they always do.

use std::path::Path;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

/// A world with a time of its own, in which everything runs on one thread.
pub trait Simulation {
    /// The virtual time.
    fn now(&self) -> Instant;

    /// Milliseconds since 1970, in virtual time.
    fn milliseconds(&self) -> u64;

    /// Lets the others run until `is_ready`, or until `deadline`.
    fn wait(&self, deadline: Option<Instant>, is_ready: &mut dyn FnMut() -> bool);

    /// Starts a thread of the simulated process that calls this.
    fn spawn(&self, name: &str, run: Box<dyn FnOnce() + Send>);

    /// Identifies the simulated thread that calls this.
    fn thread(&self) -> u64;

    /// Sends the time at `at`, and then in each `period`.
    fn send_at(&self, at: Instant, period: Option<Duration>, sender: Sender<Instant>);

    /// Writes a small file, or removes it.
    fn write(&self, path: &Path, content: Option<String>);

    /// Reads a file that was written.
    fn read(&self, path: &Path) -> Option<String>;
}

/// Without the feature, no thread is simulated.
#[cfg(not(feature = "simulation"))]
#[inline]
pub(crate) fn current() -> Option<&'static dyn Simulation> {
    None
}

#[cfg(feature = "simulation")]
pub(crate) use self::installed::current;
#[cfg(feature = "simulation")]
pub use self::installed::install;

#[cfg(feature = "simulation")]
mod installed {
    use std::cell::Cell;

    use super::Simulation;

    thread_local! {
        static CURRENT: Cell<Option<&'static dyn Simulation>> = const { Cell::new(None) };
    }

    /// Simulates what the calling thread runs from now on.
    pub fn install(simulation: &'static dyn Simulation) {
        CURRENT.set(Some(simulation));
    }

    /// The simulation in which the calling thread runs, if it is simulated.
    pub(crate) fn current() -> Option<&'static dyn Simulation> {
        // Not while the thread ends.
        CURRENT.try_with(Cell::get).unwrap_or_default()
    }
}
