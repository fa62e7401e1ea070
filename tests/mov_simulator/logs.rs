//! The MOV's log: what components and the MOV itself have to say. Only the last of it is kept.

use std::collections::VecDeque;

use super::id::{Id, now};
use super::journal;
use super::json::Json;
use super::json_pretty::Pretty;

pub(crate) const LEVELS: [&str; 4] = ["ERROR", "WARN", "INFO", "DEBUG"];

const MOST_ENTRIES: usize = 100_000;
const MOST_BYTES: usize = 128 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) level: &'static str,
    pub(crate) message: String,
    pub(crate) payload: Option<String>,
    pub(crate) component: Option<Id>,
    pub(crate) timestamp: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Logs {
    entries: VecDeque<Entry>,
    bytes: usize,
    total: u64,
}

impl Logs {
    /// Keeps what a component said.
    pub(crate) fn add(&mut self, level: &'static str, message: String, payload: Option<String>, component: Option<Id>) {
        self.keep(Entry {
            level,
            message,
            payload: payload.filter(|text| !text.is_empty()),
            component,
            timestamp: now(),
        });
    }

    /// Keeps what the MOV itself has to say.
    pub(crate) fn note(&mut self, level: &'static str, message: String, payload: Option<&Json>) {
        self.add(level, message, payload.map(|payload| Pretty(payload).to_string()), None);
    }

    /// Keeps it, and tells it on the console too.
    pub(crate) fn say(&mut self, level: &'static str, message: String, payload: Option<&Json>) {
        journal::tell(&format!("{level} {message}"));
        self.note(level, message, payload);
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// All that were ever added, those no longer kept too.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    fn keep(&mut self, entry: Entry) {
        self.total += 1;
        self.bytes += size(&entry);
        self.entries.push_back(entry);
        while self.entries.len() > MOST_ENTRIES || self.bytes > MOST_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= size(&oldest);
        }
    }
}

fn size(entry: &Entry) -> usize {
    entry.message.len() + entry.payload.as_ref().map_or(0, String::len)
}
