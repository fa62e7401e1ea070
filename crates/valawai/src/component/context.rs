//! What a handler is given: its message, the log of the platform, and a way to publish more than a reply.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Output;
use crate::failure::Failure;
use crate::message::{Message, Reply};
use crate::mov::log::{Entry, MovLog, Severity};
use crate::name::ChannelName;

/// The context of one call of a handler.
#[derive(Debug)]
pub struct Context {
    message: Message,
    scope: Arc<Scope>,
    sent: RefCell<Vec<Sent>>,
    on_confirm: RefCell<Vec<Entry>>,
}

/// What all contexts of a component share.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) log: MovLog,
    /// The channels on which the component publishes. `None` allows any output, for tests.
    pub(super) outputs: Option<Vec<ChannelName>>,
}

/// What a handler published with [`Context::send`].
#[derive(Debug)]
pub(crate) struct Sent {
    pub(super) output: Output,
    /// The queue of the output.
    pub(crate) queue: Arc<str>,
    pub(crate) reply: Reply,
}

/// What remains of a context when its handler has returned.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) message: Message,
    pub(crate) sent: Vec<Sent>,
    /// Log entries for the time when everything sent is confirmed.
    pub(crate) on_confirm: Vec<Entry>,
}

impl Context {
    pub(crate) fn new(scope: Arc<Scope>, message: Message) -> Self {
        Self { message, scope, sent: RefCell::default(), on_confirm: RefCell::default() }
    }

    /// The message that is handled. The context of a periodic publish has an empty one.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Writes to the log now.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log { context: self, on_confirm: false }
    }

    /// Writes to the log when the broker has confirmed all that is published for the message; not at all if it never does.
    #[must_use]
    pub fn log_on_confirm(&self) -> Log<'_> {
        Log { context: self, on_confirm: true }
    }

    /// Publishes `value` on `output`, before the reply. It is published if the handler succeeds, and the message is
    /// acknowledged when the broker has confirmed this as well.
    ///
    /// # Errors
    /// [`Failure::Refuse`] if `value` does not result in a valid payload, or the component does not declare `output` with
    /// [`Component::sends`](crate::Component::sends).
    pub fn send(&self, output: Output, value: &impl Serialize) -> Result<(), Failure> {
        let Some(queue) = self.scope.queue_of(output) else {
            let channel = output.channel();
            return Err(Failure::refuse(format!("the component does not declare the output `{channel}` with `sends`")));
        };
        self.sent.borrow_mut().push(Sent { output, queue, reply: Reply::json(value)? });
        Ok(())
    }

    pub(crate) fn into_handled(self) -> Handled {
        Handled { message: self.message, sent: self.sent.into_inner(), on_confirm: self.on_confirm.into_inner() }
    }

    pub(super) fn with_sent<T>(&self, view: impl FnOnce(&[Sent]) -> T) -> T {
        view(&self.sent.borrow())
    }

    pub(super) fn entries_on_confirm(&self) -> Vec<Entry> {
        self.on_confirm.borrow().clone()
    }
}

impl Scope {
    fn queue_of(&self, output: Output) -> Option<Arc<str>> {
        match &self.outputs {
            Some(outputs) => {
                let channel = outputs.iter().find(|channel| channel.short() == output.channel())?;
                Some(Arc::clone(channel.queue()))
            }
            None => Some(output.channel().into()),
        }
    }
}

/// The log, by severity. Entries appear in the component's own log and, from `LOG_MOV_LEVEL` on, in the MOV's log.
#[derive(Debug)]
pub struct Log<'c> {
    context: &'c Context,
    on_confirm: bool,
}

impl Log<'_> {
    /// Logs that something failed.
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
        let log = &self.context.scope.log;
        if !log.is_enabled(severity) {
            return;
        }
        let entry = Entry::new(severity, message, payload);
        if self.on_confirm {
            self.context.on_confirm.borrow_mut().push(entry);
        } else {
            log.add(entry);
        }
    }
}
