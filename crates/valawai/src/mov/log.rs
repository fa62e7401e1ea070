//! The MOV's log: what the people who run the platform see of a component.
//!
//! It never blocks a handler and never fails one. Entries wait in a bounded queue for the one thread that publishes
//! them; overflow is dropped, counted and reported. They are published without confirms: their throughput matters more
//! than a lost entry.

use std::fmt;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use serde::Serialize;

use super::identity::Identity;
use super::payloads;
use crate::broker::{Error, Publish};
use crate::failure::Failure;
use crate::operations::tap::{Tap, What};
use crate::shutdown::Shutdown;

/// The queue of the MOV's log.
pub(crate) const QUEUE: &str = "valawai/log/add";

/// How many entries may wait.
const MAX_WAITING: usize = 16 * 1024;

/// How many bytes of entries may wait.
const MAX_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// The longest payload, in bytes. The MOV stores each in a document of its database; a longer one is cut.
const LONGEST_PAYLOAD: usize = 256 * 1024;

/// How often the writer checks whether a blocked broker accepts messages again.
const TICK: Duration = Duration::from_millis(500);

/// How long entries are collected between two batches. Under load, waking threads for each entry costs the handlers more
/// time than publishing the entry.
const COLLECT: Duration = Duration::from_millis(5);

/// The severity of an entry, as the MOV names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// An ordinary event.
    Info,
    /// A detail that helps to find a fault.
    Debug,
}

impl Severity {
    /// The level in the component's own log, and of `LOG_MOV_LEVEL`.
    #[must_use]
    pub fn level(self) -> log::Level {
        match self {
            Self::Error => log::Level::Error,
            Self::Warn => log::Level::Warn,
            Self::Info => log::Level::Info,
            Self::Debug => log::Level::Debug,
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The severity.
    pub severity: Severity,
    /// What happened.
    pub message: String,
    /// What it happened to, as JSON.
    pub payload: Option<String>,
}

impl Entry {
    /// An entry with `payload` as JSON, which is cut if it is very long.
    pub fn new(severity: Severity, message: impl fmt::Display, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_string(payload).ok().map(shorten);
        Self { severity, message: message.to_string(), payload }
    }

    /// An entry about a failure, without a payload: a warning if a later attempt may succeed, otherwise an error.
    pub(crate) fn about(failure: &Failure, message: String) -> Self {
        let severity = match failure {
            Failure::Retry(_) => Severity::Warn,
            Failure::Refuse(_) => Severity::Error,
        };
        Self { severity, message, payload: None }
    }

    fn size(&self) -> usize {
        self.message.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

fn shorten(text: String) -> String {
    if text.len() <= LONGEST_PAYLOAD {
        return text;
    }
    let start = &text[..text.floor_char_boundary(LONGEST_PAYLOAD)];
    serde_json::Value::from(format!("{start}… ({} bytes in all)", text.len())).to_string()
}

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
    dropped: AtomicU64,
}

/// Publishes the entries, in one session after another.
#[derive(Debug, Clone)]
pub struct Writer {
    entries: Receiver<Entry>,
    shared: Arc<Shared>,
    identity: Identity,
}

/// A log for entries of `limit` and above, and the writer to run in each session.
#[must_use]
pub fn open(limit: log::LevelFilter, identity: Identity) -> (MovLog, Writer) {
    let (sender, receiver) = crossbeam_channel::bounded(MAX_WAITING);
    let shared = Arc::new(Shared { limit: AtomicUsize::new(limit as usize), waiting_bytes: AtomicUsize::new(0), dropped: AtomicU64::new(0) });
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
        if waiting > MAX_WAITING_BYTES || self.entries.try_send(entry).is_err() {
            self.shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn goes_to_mov(&self, severity: Severity) -> bool {
        severity.level() as usize <= self.shared.limit.load(Ordering::Relaxed)
    }
}

impl Writer {
    /// Publishes entries until the shutdown, and then those that still wait.
    ///
    /// # Errors
    /// If the session is over. The entry that was being published is lost.
    pub fn run(&self, publisher: &mut dyn Publish, shutdown: &Shutdown) -> Result<(), Error> {
        loop {
            crossbeam_channel::select! {
                recv(self.entries) -> entry => match entry {
                    Ok(entry) => self.write_batch(publisher, entry, shutdown)?,
                    Err(_) => return Ok(()),
                },
                recv(shutdown.requested()) -> _ => return self.finish(publisher),
            }
        }
    }

    /// Removes the entries that wait, for tests.
    #[must_use]
    pub fn take_all(&self) -> Vec<Entry> {
        self.entries.try_iter().collect()
    }

    /// Writes `first` and the entries that wait, and pauses.
    fn write_batch(&self, publisher: &mut dyn Publish, first: Entry, shutdown: &Shutdown) -> Result<(), Error> {
        for entry in iter::once(first).chain(self.entries.try_iter()) {
            self.write(publisher, &entry, shutdown)?;
        }
        publisher.flush()?;
        // The next call notices a shutdown as well.
        let _ = shutdown.wait_for(COLLECT);
        Ok(())
    }

    fn write(&self, publisher: &mut dyn Publish, entry: &Entry, shutdown: &Shutdown) -> Result<(), Error> {
        while publisher.is_blocked() && !shutdown.wait_for(TICK) {}
        self.publish(publisher, entry)?;
        self.report_dropped(publisher)
    }

    fn finish(&self, publisher: &mut dyn Publish) -> Result<(), Error> {
        while !publisher.is_blocked() {
            let Ok(entry) = self.entries.try_recv() else { break };
            self.publish(publisher, &entry)?;
        }
        publisher.flush()
    }

    fn report_dropped(&self, publisher: &mut dyn Publish) -> Result<(), Error> {
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped == 0 {
            return Ok(());
        }
        let message =
            format!("{dropped} log entries were dropped: they were added faster than they could be published");
        log::warn!("{message}");
        self.publish_one(publisher, &Entry { severity: Severity::Warn, message, payload: None })
    }

    fn publish(&self, publisher: &mut dyn Publish, entry: &Entry) -> Result<(), Error> {
        self.shared.waiting_bytes.fetch_sub(entry.size(), Ordering::Relaxed);
        self.publish_one(publisher, entry)
    }

    fn publish_one(&self, publisher: &mut dyn Publish, entry: &Entry) -> Result<(), Error> {
        let id = self.identity.id();
        match publisher.publish(&payloads::add_log(entry, id.as_ref(), QUEUE)) {
            Err(Error::TooLarge { .. }) => {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            result => result.map(drop),
        }
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
