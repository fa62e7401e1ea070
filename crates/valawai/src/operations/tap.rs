//! Copies of what comes in and goes out, for operators.
//!
//! A tap must not slow the work down: without an observer it costs one atomic load for each message, and with one, copies
//! are limited in number and bytes for each second. What exceeds the limits is dropped and counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

use crate::clock;

/// How many copies may wait to be published.
const MAX_WAITING: usize = 1000;

const SECOND: Duration = Duration::from_secs(1);

/// How much is copied in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `TAP_MAX_RATE`: how many copies are made. Defaults to 2000.
    pub rate: u32,
    /// `TAP_MAX_BYTES`: how many bytes are copied. Defaults to 16 MiB.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rate: 2000, bytes: 16 * 1024 * 1024 }
    }
}

/// Where copies are made.
#[derive(Debug)]
pub struct Tap {
    wants_messages: AtomicBool,
    wants_logs: AtomicBool,
    copies: (Sender<Copy>, Receiver<Copy>),
    /// Signals that there is a copy.
    added: (Sender<()>, Receiver<()>),
    budget: Mutex<Budget>,
    /// Since the last report.
    dropped: AtomicU64,
    /// Since the start.
    copied: AtomicU64,
    dropped_in_all: AtomicU64,
}

/// A copy of a message or of a log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// What it is a copy of.
    pub what: What,
    /// The queue of a message, or the severity of a log entry.
    pub source: String,
    /// When it was made, in milliseconds since 1970.
    pub at_ms: u64,
    /// The identifier of the message.
    pub message_id: Option<String>,
    /// The body of the message, or the text of the entry.
    pub body: Vec<u8>,
}

/// What a copy is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A message that was delivered.
    Received,
    /// A message that was published.
    Published,
    /// A log entry.
    Log,
}

/// What remains of this second.
#[derive(Debug)]
struct Budget {
    limits: Limits,
    since: Instant,
    copies: u32,
    bytes: usize,
}

impl Default for Tap {
    fn default() -> Self {
        Self {
            wants_messages: AtomicBool::default(),
            wants_logs: AtomicBool::default(),
            copies: crossbeam_channel::bounded(MAX_WAITING),
            added: crossbeam_channel::bounded(1),
            budget: Mutex::new(Budget::new(Limits::default(), clock::now())),
            dropped: AtomicU64::default(),
            copied: AtomicU64::default(),
            dropped_in_all: AtomicU64::default(),
        }
    }
}

impl Tap {
    /// Sets what is copied.
    pub fn open(&self, messages: bool, logs: bool) {
        self.wants_messages.store(messages, Ordering::Relaxed);
        self.wants_logs.store(logs, Ordering::Relaxed);
        if !messages && !logs {
            self.copies.1.try_iter().for_each(drop);
            self.dropped.store(0, Ordering::Relaxed);
        }
    }

    /// Changes how much is copied, from the next second on.
    pub fn set_limits(&self, limits: Limits) {
        self.budget.lock().limits = limits;
    }

    /// Whether messages are copied.
    #[must_use]
    pub fn wants_messages(&self) -> bool {
        self.wants_messages.load(Ordering::Relaxed)
    }

    /// Whether log entries are copied.
    #[must_use]
    pub fn wants_logs(&self) -> bool {
        self.wants_logs.load(Ordering::Relaxed)
    }

    /// Copies a message or a log entry, unless the limits are exceeded.
    pub fn add(&self, what: What, source: &str, message_id: Option<&str>, body: &[u8]) {
        if !self.budget.lock().take(body.len(), clock::now()) {
            self.count_dropped();
            return;
        }
        let copy = Copy {
            what,
            source: source.to_owned(),
            at_ms: clock::milliseconds(),
            message_id: message_id.map(str::to_owned),
            body: body.to_vec(),
        };
        match self.copies.0.try_send(copy) {
            Ok(()) => drop(self.copied.fetch_add(1, Ordering::Relaxed)),
            Err(_) => self.count_dropped(),
        }
        // If it is full, there is a signal already.
        let _ = self.added.0.try_send(());
    }

    /// The copies that wait.
    pub fn take(&self) -> impl Iterator<Item = Copy> {
        self.copies.1.try_iter()
    }

    /// How many copies were dropped since the last call.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    /// How many copies were made since the start, and how many were dropped.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.copied.load(Ordering::Relaxed), self.dropped_in_all.load(Ordering::Relaxed))
    }

    fn count_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.dropped_in_all.fetch_add(1, Ordering::Relaxed);
    }

    /// Signals that there may be copies.
    #[must_use]
    pub fn added(&self) -> &Receiver<()> {
        &self.added.1
    }
}

impl Budget {
    fn new(limits: Limits, since: Instant) -> Self {
        Self { limits, since, copies: limits.rate, bytes: limits.bytes }
    }

    fn take(&mut self, bytes: usize, now: Instant) -> bool {
        if now.duration_since(self.since) >= SECOND {
            *self = Self::new(self.limits, now);
        }
        let is_left = self.copies > 0 && self.bytes >= bytes;
        if is_left {
            self.copies -= 1;
            self.bytes -= bytes;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(tap: &Tap, bytes: usize) {
        tap.add(What::Received, "data/in", Some("m"), &vec![b'x'; bytes]);
    }

    #[test]
    fn copies_are_taken_in_their_order() {
        let tap = Tap::default();
        tap.open(true, false);
        add(&tap, 1);
        add(&tap, 2);
        let copies: Vec<Copy> = tap.take().collect();
        assert_eq!(copies.iter().map(|copy| copy.body.len()).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(copies[0].message_id.as_deref(), Some("m"));
        assert_eq!((tap.take_dropped(), tap.counts()), (0, (2, 0)));
    }

    #[test]
    fn what_exceeds_the_limits_is_dropped_and_counted() {
        let most = Limits::default().bytes;
        for (bytes, count) in [(1, MAX_WAITING), (most / 4, 4), (most + 1, 0)] {
            let tap = Tap::default();
            (0..count + 5).for_each(|_| add(&tap, bytes));
            assert_eq!((tap.take().count(), tap.take_dropped()), (count, 5), "{bytes} bytes each");
            assert_eq!((tap.take_dropped(), tap.counts()), (0, (count as u64, 5)), "{bytes} bytes each");
        }
    }

    #[test]
    fn the_limits_are_for_each_second() {
        let now = Instant::now();
        let mut budget = Budget::new(Limits { rate: 1, bytes: 10 }, now);
        assert!(budget.take(10, now) && !budget.take(0, now));
        budget.limits.bytes = 20;
        assert!(budget.take(20, now + SECOND), "the new limit is not in effect");
    }

    #[test]
    fn a_closed_tap_keeps_nothing() {
        let tap = Tap::default();
        tap.open(true, true);
        add(&tap, 1);
        tap.open(false, false);
        assert_eq!(tap.take().count(), 0);
    }
}
