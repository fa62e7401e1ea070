//! The MOV's log: what the people who run the platform see of a component.
//!
//! It never blocks a handler and never fails one. Entries wait in a bounded queue for the one thread that sends them;
//! what finds no room is counted, and said later. They travel unconfirmed: a lost log line is worth less than the time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use serde::Serialize;

use super::identity::Identity;
use super::payloads;
use crate::broker::{Error, Link, Stop};

/// Where entries go.
const QUEUE: &str = "valawai/log/add";

/// Entries that wait at the most.
const MOST_WAITING: usize = 16 * 1024;

/// Bytes of payloads that wait at the most.
const MOST_WAITING_BYTES: usize = 8 * 1024 * 1024;

/// A longer payload is cut: the MOV stores each in a document of its database.
const LONGEST_PAYLOAD: usize = 256 * 1024;

/// How often a silent writer looks whether the broker takes messages again.
const TICK: Duration = Duration::from_millis(500);

/// How serious an entry is, as the MOV names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Something was not done.
    Error,
    /// Something will be missed if nobody acts.
    Warn,
    /// What happens.
    Info,
    /// What helps to find a fault.
    Debug,
}

impl Severity {
    /// In the component's own log, and as `LOG_MOV_LEVEL` counts it.
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

/// One line for the MOV's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How serious it is.
    pub severity: Severity,
    /// What happened.
    pub message: String,
    /// What it happened to, as a JSON text.
    pub payload: Option<String>,
}

/// Takes entries, from any thread. Clones write to the same log.
#[derive(Debug, Clone)]
pub struct MovLog {
    entries: Sender<Entry>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limit: log::LevelFilter,
    waiting_bytes: AtomicUsize,
    dropped: AtomicU64,
}

/// The other end: sends the entries on, one session after another.
#[derive(Debug, Clone)]
pub struct Writer {
    entries: Receiver<Entry>,
    shared: Arc<Shared>,
    identity: Identity,
}

/// A log that passes entries of `limit` and above, and the writer to run in each session.
#[must_use]
pub fn open(limit: log::LevelFilter, identity: Identity) -> (MovLog, Writer) {
    let (sender, receiver) = crossbeam_channel::bounded(MOST_WAITING);
    let shared = Arc::new(Shared { limit, waiting_bytes: AtomicUsize::new(0), dropped: AtomicU64::new(0) });
    let log = MovLog { entries: sender, shared: Arc::clone(&shared) };
    (log, Writer { entries: receiver, shared, identity })
}

impl MovLog {
    /// Whether an entry of `severity` would be passed on; if not, it need not be made.
    #[must_use]
    pub fn passes(&self, severity: Severity) -> bool {
        severity.level() <= self.shared.limit
    }

    /// Adds an entry, here and at the MOV. When there is no room for it there, it is counted and forgotten.
    pub fn add(&self, entry: Entry) {
        log::log!(target: "component", entry.severity.level(), "{} {}", entry.message, entry.payload.as_deref().unwrap_or_default());
        if !self.passes(entry.severity) {
            return;
        }
        let bytes = entry.weight();
        let waiting = self.shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting > MOST_WAITING_BYTES || self.entries.try_send(entry).is_err() {
            self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Entry {
    /// An entry with `payload` as a JSON text, cut when it is very long.
    pub fn new(severity: Severity, message: impl fmt::Display, payload: &impl Serialize) -> Self {
        let payload = serde_json::to_string(payload).ok().map(shorten);
        Self { severity, message: message.to_string(), payload }
    }

    fn weight(&self) -> usize {
        self.message.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

impl Writer {
    /// Sends entries until `stop`, and then what still waits.
    ///
    /// # Errors
    /// When the session is over. The entry that was being sent is lost.
    pub fn run(&self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        loop {
            crossbeam_channel::select! {
                recv(self.entries) -> entry => match entry {
                    Ok(entry) => self.send(link, &entry, stop)?,
                    Err(_) => return Ok(()),
                },
                recv(stop) -> _ => return self.finish(link),
                default(TICK) => {}
            }
            discard_confirms(link)?;
        }
    }

    /// Takes what waits, for a test to look at.
    #[must_use]
    pub fn take_all(&self) -> Vec<Entry> {
        self.entries.try_iter().collect()
    }

    fn finish(&self, link: &mut dyn Link) -> Result<(), Error> {
        while !link.is_blocked() {
            let Ok(entry) = self.entries.try_recv() else { break };
            self.publish(link, &entry)?;
        }
        Ok(())
    }

    fn send(&self, link: &mut dyn Link, entry: &Entry, stop: &Stop) -> Result<(), Error> {
        while link.is_blocked() {
            // Nothing is ever sent on it: it times out, or it is time to stop.
            if stop.recv_timeout(TICK) == Err(crossbeam_channel::RecvTimeoutError::Disconnected) {
                break;
            }
        }
        self.publish(link, entry)?;
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let message =
                format!("{dropped} log messages were dropped, because they came faster than they could be sent");
            log::warn!("{message}");
            self.publish(link, &Entry { severity: Severity::Warn, message, payload: None })?;
        }
        Ok(())
    }

    fn publish(&self, link: &mut dyn Link, entry: &Entry) -> Result<(), Error> {
        self.shared.waiting_bytes.fetch_sub(entry.weight().min(self.waiting()), Ordering::Relaxed);
        let id = self.identity.id();
        match link.publish(&payloads::add_log(entry, id.as_ref(), QUEUE)) {
            Err(Error::TooLarge { .. }) => {
                self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            published => published.map(drop),
        }
    }

    fn waiting(&self) -> usize {
        self.shared.waiting_bytes.load(Ordering::Relaxed)
    }
}

/// Nobody waits for these, but they must not pile up.
fn discard_confirms(link: &mut dyn Link) -> Result<(), Error> {
    while link.poll(false)?.is_some() {}
    Ok(())
}

fn shorten(text: String) -> String {
    if text.len() <= LONGEST_PAYLOAD {
        return text;
    }
    let start = &text[..text.floor_char_boundary(LONGEST_PAYLOAD)];
    serde_json::Value::from(format!("{start}… ({} bytes in all)", text.len())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_the_limit_or_finds_no_room_is_not_kept() {
        let (log, writer) = open(log::LevelFilter::Info, Identity::default());
        log.add(Entry::new(Severity::Debug, "too low", &()));
        assert_eq!(writer.entries.len(), 0);
        for _ in 0..MOST_WAITING + 7 {
            log.add(Entry::new(Severity::Info, "one of many", &()));
        }
        assert_eq!(writer.entries.len(), MOST_WAITING);
        assert_eq!(writer.shared.dropped.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn a_very_long_payload_is_cut_and_still_json() {
        let entry = Entry::new(Severity::Info, "long", &"é".repeat(LONGEST_PAYLOAD));
        let payload = entry.payload.unwrap();
        assert!(payload.len() < 2 * LONGEST_PAYLOAD);
        let text: String = serde_json::from_str(&payload).unwrap();
        assert!(text.ends_with(&format!("({} bytes in all)", 2 * LONGEST_PAYLOAD + 2)), "{}", &text[text.len() - 40..]);
    }
}
