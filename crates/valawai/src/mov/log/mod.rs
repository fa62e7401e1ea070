//! The MOV's log: what the people who run the platform see of a component.
//!
//! It never blocks a handler and never fails one. Entries wait in a bounded queue for the one thread that publishes
//! them; overflow is dropped, counted and reported. They are published without confirms: their throughput matters more
//! than a lost entry.

mod entry;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crossbeam_channel::Sender;

pub use self::entry::{Entry, Severity};
pub use self::writer::Writer;
use super::identity::Identity;
use crate::logs::context;
use crate::operations::tap::{Tap, What};

/// The queue of the MOV's log.
pub(crate) const QUEUE: &str = "valawai/log/add";

/// How many entries may wait.
const MAX_WAITING: usize = 16 * 1024;

/// How many bytes of entries may wait.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// Adds entries, from any thread. Clones write to the same log.
#[derive(Debug, Clone)]
pub struct MovLog {
    entries: Sender<Entry>,
    shared: Arc<Shared>,
    tap: Arc<Tap>,
}

#[derive(Debug)]
struct Shared {
    /// The lowest level that goes to the MOV, as a number.
    limit: AtomicUsize,
    waiting_bytes: AtomicUsize,
    /// Since the last report.
    dropped: AtomicU64,
    /// Since the start.
    dropped_in_all: AtomicU64,
}

impl Shared {
    fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.dropped_in_all.fetch_add(1, Ordering::Relaxed);
    }
}

/// A log for entries of `limit` and above, and the writer to run in each session.
#[must_use]
pub fn open(limit: log::LevelFilter, identity: Identity) -> (MovLog, Writer) {
    // A bounded channel would take memory for all entries that may wait.
    let (sender, receiver) = crossbeam_channel::unbounded();
    let shared = Arc::new(Shared {
        limit: AtomicUsize::new(limit as usize),
        waiting_bytes: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
        dropped_in_all: AtomicU64::new(0),
    });
    let log = MovLog { entries: sender, shared: Arc::clone(&shared), tap: Arc::default() };
    (log, Writer { entries: receiver, shared, identity })
}

impl MovLog {
    /// Has the entries copied to `tap`, while an operator observes it.
    #[must_use]
    pub fn with_tap(self, tap: Arc<Tap>) -> Self {
        Self { tap, ..self }
    }

    /// Changes the level from which entries go to the MOV.
    pub fn set_limit(&self, limit: log::LevelFilter) {
        self.shared.limit.store(limit as usize, Ordering::Relaxed);
    }

    /// Whether an entry of `severity` appears in either log.
    #[must_use]
    pub fn is_enabled(&self, severity: Severity) -> bool {
        self.goes_to_mov(severity) || severity.level() <= log::max_level() || self.tap.wants_logs()
    }

    /// Adds an entry to the component's own log and to the MOV's. If there is no space for it, the MOV's drops it.
    pub fn add(&self, entry: Entry) {
        let payload = entry.payload.as_deref().unwrap_or_default();
        let _context = entry.context.clone().map(context::enter_captured);
        log::log!(target: "component", entry.severity.level(), "{} {payload}", entry.message);
        if self.tap.wants_logs() {
            let text = format!("{} {payload}", entry.message);
            self.tap.add(What::Log, entry.severity.level().as_str(), None, text.trim_end().as_bytes());
        }
        if !self.goes_to_mov(entry.severity) {
            return;
        }
        let size = entry.size();
        let waiting = self.shared.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        let is_full = waiting > MAX_WAITING_BYTES || self.entries.len() >= MAX_WAITING;
        if is_full || self.entries.send(entry).is_err() {
            self.shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            self.shared.count_dropped();
        }
    }

    /// How many entries the MOV did not get since the start, because they were too many or too large.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped_in_all.load(Ordering::Relaxed)
    }

    fn goes_to_mov(&self, severity: Severity) -> bool {
        severity.level() as usize <= self.shared.limit.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_below_the_limit_and_overflow_are_dropped() {
        let (log, writer) = open(log::LevelFilter::Info, Identity::default());
        log.add(Entry::new(Severity::Debug, "too low", &()));
        assert_eq!(writer.entries.len(), 0);
        for _ in 0..MAX_WAITING + 7 {
            log.add(Entry::new(Severity::Info, "one of many", &()));
        }
        assert_eq!(writer.entries.len(), MAX_WAITING);
        assert_eq!((writer.shared.dropped.load(Ordering::Relaxed), log.dropped()), (7, 7));
    }
}
