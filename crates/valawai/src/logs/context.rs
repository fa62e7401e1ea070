//! Which message a line of the log is about, for lines that are JSON: also those of handlers that use `log`, and of libraries.
//!
//! Each thread handles one message at a time, so it knows the message; lines that are added later, when something is confirmed, carry
//! what was captured. As long as lines are text, nothing of this costs more than one atomic load for each message.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use serde::Serialize;

use crate::message::Properties;
use crate::trace::Trace;

static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// The identifier of the registration of this process.
static REGISTRATION: RwLock<Option<String>> = RwLock::new(None);

thread_local! {
    static CURRENT: RefCell<Option<Captured>> = const { RefCell::new(None) };
}

/// The message that a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Captured(Arc<Ids>);

/// Its identifiers.
#[allow(clippy::struct_field_names, reason = "these are the names in JSON")]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Ids {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
}

impl Ids {
    fn of(properties: &Properties) -> Self {
        let trace = properties.trace.as_deref();
        Self {
            message_id: properties.message_id.clone(),
            conversation_id: properties.conversation_id.clone(),
            trace_id: trace.map(Trace::trace_id),
            span_id: trace.map(Trace::span_id),
        }
    }
}

/// Until it is dropped, the lines of this thread are about a message.
#[derive(Debug)]
#[must_use]
pub(crate) struct Entered {
    before: Option<Captured>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

/// From now on, lines have identifiers.
pub(super) fn want() {
    IS_WANTED.store(true, Ordering::Relaxed);
}

fn is_wanted() -> bool {
    IS_WANTED.load(Ordering::Relaxed)
}

/// From here on, the lines of this thread are about the message with these properties. `None` if no line shows it.
pub(crate) fn enter(properties: &Properties) -> Option<Entered> {
    is_wanted().then(|| enter_captured(Captured(Arc::new(Ids::of(properties)))))
}

/// The same for a message that was captured.
pub(crate) fn enter_captured(message: Captured) -> Entered {
    Entered { before: CURRENT.replace(Some(message)) }
}

/// The message that the lines of this thread are about.
pub(crate) fn capture() -> Option<Captured> {
    if is_wanted() { CURRENT.with_borrow(Clone::clone) } else { None }
}

/// The message belongs to a trace from now on.
pub(crate) fn set_trace(trace: &Trace) {
    if is_wanted() {
        CURRENT.with_borrow_mut(|current| {
            let ids = current.as_ref().map(|Captured(ids)| Ids::clone(ids)).unwrap_or_default();
            let (trace_id, span_id) = (Some(trace.trace_id()), Some(trace.span_id()));
            *current = Some(Captured(Arc::new(Ids { trace_id, span_id, ..ids })));
        });
    }
}

/// Sets the identifier of the registration.
pub(crate) fn set_registration(id: Option<String>) {
    if is_wanted() {
        *REGISTRATION.write() = id;
    }
}

/// Calls `show` with the message that the lines of this thread are about, and the identifier of the registration.
pub(super) fn with_current<T>(show: impl FnOnce(Option<&Ids>, Option<&str>) -> T) -> T {
    let registration = REGISTRATION.read();
    // A line that is written while the thread ends is about nothing.
    let current = CURRENT.try_with(|current| current.try_borrow().ok().and_then(|it| it.clone())).ok().flatten();
    show(current.as_ref().map(|Captured(ids)| &**ids), registration.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str) -> Properties {
        Properties { message_id: Some(id.to_owned()), ..Properties::default() }
    }

    fn current() -> Option<String> {
        with_current(|ids, _| ids.and_then(|ids| ids.message_id.clone()))
    }

    #[test]
    fn lines_are_about_a_message_until_it_is_handled_and_then_about_the_one_before() {
        want();
        let outer = enter(&message("outer"));
        let captured = {
            let _inner = enter(&message("inner"));
            assert_eq!(current().as_deref(), Some("inner"));
            capture().expect("a message")
        };
        assert_eq!(current().as_deref(), Some("outer"));
        {
            let _later = enter_captured(captured);
            assert_eq!(current().as_deref(), Some("inner"));
        }
        drop(outer);
        assert_eq!(current(), None);
    }

    #[test]
    fn a_message_that_begins_a_trace_keeps_its_identifiers() {
        want();
        let _entered = enter(&message("m-1"));
        let trace = Trace::begin(true);
        set_trace(&trace);
        let ids = with_current(|ids, _| ids.cloned()).expect("a message");
        assert_eq!((ids.message_id.as_deref(), ids.trace_id), (Some("m-1"), Some(trace.trace_id())));
    }
}
