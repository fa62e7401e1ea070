//! The MOV's log: entries of components and of the MOV itself. Only the latest are kept.

use std::collections::VecDeque;

use crate::clock::epoch_seconds;
use crate::console;
use crate::json::Json;
use crate::object_id::ObjectId;

pub(crate) const LEVELS: [&str; 4] = ["ERROR", "WARN", "INFO", "DEBUG"];

const MAX_ENTRIES: usize = 100_000;
const MAX_BYTES: usize = 128 * 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct LogEntry {
    pub(crate) level: &'static str,
    pub(crate) message: String,
    pub(crate) payload: Option<String>,
    pub(crate) component: Option<ObjectId>,
    pub(crate) timestamp: u64,
}

impl LogEntry {
    fn size(&self) -> usize {
        self.message.len() + self.payload.as_ref().map_or(0, String::len)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Logs {
    entries: VecDeque<LogEntry>,
    bytes: usize,
    total: u64,
}

impl Logs {
    pub(crate) fn add(
        &mut self,
        level: &'static str,
        message: String,
        payload: Option<String>,
        component: Option<ObjectId>,
    ) {
        let payload = payload.filter(|text| !text.is_empty());
        let entry = LogEntry { level, message, payload, component, timestamp: epoch_seconds() };
        self.total += 1;
        self.bytes += entry.size();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.size();
        }
    }

    /// Adds an entry of the MOV itself.
    pub(crate) fn add_own(&mut self, level: &'static str, message: String, payload: Option<&Json>) {
        self.add(level, message, payload.map(Json::to_pretty_string), None);
    }

    /// Adds an entry of the MOV itself, and prints it on the console, too.
    pub(crate) fn add_own_and_print(&mut self, level: &'static str, message: String, payload: Option<&Json>) {
        console::print(&format!("{level} {message}"));
        self.add_own(level, message, payload);
    }

    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.iter()
    }

    /// How many entries were added since the start, including those no longer kept.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_are_removed_when_there_are_too_many_bytes() {
        let mut logs = Logs::default();
        logs.add("INFO", "first".to_owned(), None, None);
        logs.add("INFO", "second".to_owned(), Some("p".repeat(MAX_BYTES - "second".len())), None);
        let kept: Vec<&str> = logs.entries().map(|entry| entry.message.as_str()).collect();
        assert_eq!((kept, logs.total(), logs.bytes), (vec!["second"], 2, MAX_BYTES));
    }
}
