//! Who observes this process, and until when.

use std::time::{Duration, Instant};

use super::protocol::{Content, Copied};
use crate::hex;
use crate::operations::tap::{Copy, Tap, What};

/// How many operators may observe at the same time.
const MAX_LEASES: usize = 8;

/// The longest lease: copies end so soon after the death of an observer.
const LONGEST_LEASE: Duration = Duration::from_secs(60);

/// The observers of this process.
pub(super) struct Leases<'t> {
    tap: &'t Tap,
    leases: Vec<Lease>,
}

struct Lease {
    /// Where its copies go.
    observer: String,
    messages: bool,
    logs: bool,
    until: Instant,
}

impl Lease {
    fn wants(&self, what: What) -> bool {
        match what {
            What::Received | What::Published => self.messages,
            What::Log => self.logs,
        }
    }
}

impl<'t> Leases<'t> {
    pub(super) fn new(tap: &'t Tap) -> Self {
        Self { tap, leases: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.leases.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// Starts, renews or ends the lease of an observer.
    pub(super) fn renew(&mut self, observer: &str, messages: bool, logs: bool, seconds: u64) -> Content {
        self.leases.retain(|lease| lease.observer != observer);
        if seconds > 0 {
            if self.leases.len() >= MAX_LEASES {
                return Content::Refused { reason: format!("{MAX_LEASES} operators observe this process already") };
            }
            let until = Instant::now() + Duration::from_secs(seconds).min(LONGEST_LEASE);
            self.leases.push(Lease { observer: observer.to_owned(), messages, logs, until });
        }
        self.apply();
        Content::Done { message: if seconds > 0 { "tapped" } else { "not tapped any more" }.to_owned() }
    }

    pub(super) fn end_expired(&mut self, now: Instant) {
        let before = self.leases.len();
        self.leases.retain(|lease| lease.until > now);
        if self.leases.len() != before {
            self.apply();
        }
    }

    /// Up to `count` copies, and the observers that get them.
    pub(super) fn take(&self, count: usize) -> Vec<(String, Content)> {
        if self.leases.is_empty() {
            return Vec::new();
        }
        let mut contents = Vec::new();
        for copy in self.tap.take().take(count) {
            let what = copy.what;
            let content = Content::Copy(Box::new(copied(copy)));
            let observers = self.leases.iter().filter(|lease| lease.wants(what));
            contents.extend(observers.map(|lease| (lease.observer.clone(), content.clone())));
        }
        let dropped = self.tap.take_dropped();
        if dropped > 0 {
            let content = Content::Dropped { copies: dropped };
            contents.extend(self.leases.iter().map(|lease| (lease.observer.clone(), content.clone())));
        }
        contents
    }

    fn apply(&self) {
        self.tap.open(self.leases.iter().any(|lease| lease.messages), self.leases.iter().any(|lease| lease.logs));
    }
}

impl Drop for Leases<'_> {
    fn drop(&mut self) {
        self.tap.open(false, false);
    }
}

fn copied(copy: Copy) -> Copied {
    let (body, hex) = match String::from_utf8(copy.body) {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(hex::encode(error.as_bytes()))),
    };
    let what = match copy.what {
        What::Received => "received",
        What::Published => "published",
        What::Log => "log",
    };
    Copied { what: what.to_owned(), source: copy.source, at_ms: copy.at_ms, message_id: copy.message_id, body, hex }
}
