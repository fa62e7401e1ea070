//! The log, as handlers write to it.

use std::cell::RefCell;
use std::fmt;

use serde::Serialize;

use crate::mov::log::{Entry, MovLog, Severity};

/// The log, by severity. Entries appear in the component's own log and, from `LOG_MOV_LEVEL` on, in the MOV's log.
///
/// ```
/// let context = valawai::TestContext::default();
/// context.log().error("The camera is broken", &());
/// context.log().warn("The camera is slow", &serde_json::json!({ "seconds": 2.5 }));
/// context.log().info("Received a frame", context.message());
/// context.log().debug(format!("It has {} bytes", 512), &());
/// assert_eq!(context.logged()[3].message, "It has 512 bytes");
/// ```
#[derive(Debug)]
pub struct Log<'l> {
    log: &'l MovLog,
    /// Collects the entries, which are added later.
    on_confirm: Option<&'l RefCell<Vec<Entry>>>,
}

impl<'l> Log<'l> {
    pub(super) fn new(log: &'l MovLog) -> Self {
        Self { log, on_confirm: None }
    }

    pub(super) fn on_confirm(log: &'l MovLog, entries: &'l RefCell<Vec<Entry>>) -> Self {
        Self { log, on_confirm: Some(entries) }
    }

    /// Logs that something failed. See the example of [`Log`], as for the other severities.
    pub fn error(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Error, message, payload);
    }

    /// Logs that something needs attention.
    pub fn warn(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Warn, message, payload);
    }

    /// Logs an ordinary event.
    pub fn info(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Info, message, payload);
    }

    /// Logs a detail that helps to find a fault.
    pub fn debug(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Debug, message, payload);
    }

    fn add(&self, severity: Severity, message: impl fmt::Display, payload: &impl Serialize) {
        if !self.log.is_enabled(severity) {
            return;
        }
        let entry = Entry::new(severity, message, payload);
        match self.on_confirm {
            Some(entries) => entries.borrow_mut().push(entry),
            None => self.log.add(entry),
        }
    }
}
