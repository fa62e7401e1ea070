//! What a handler is given beside the message: a log for the people of the platform, and a way to say more.

use std::cell::{Ref, RefCell};
use std::fmt;

use serde::Serialize;

use crate::exchange::Said;
use crate::failure::Failure;
use crate::mov::log::{Entry, MovLog, Severity, Writer};
use crate::name::ChannelName;

/// Lives as long as one call of a handler.
#[derive(Debug)]
pub struct Context<'p> {
    says: &'p [ChannelName],
    log: &'p MovLog,
    said: RefCell<Vec<(usize, Said)>>,
    once_sent: RefCell<Vec<Entry>>,
}

impl<'p> Context<'p> {
    pub(crate) fn new(says: &'p [ChannelName], log: &'p MovLog) -> Self {
        Self { says, log, said: RefCell::default(), once_sent: RefCell::default() }
    }

    /// Writes to the log now.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log { context: self, once_sent: false }
    }

    /// Writes to the log once the broker has confirmed what is said to the message; never, if that fails.
    #[must_use]
    pub fn log_once_sent(&self) -> Log<'_> {
        Log { context: self, once_sent: true }
    }

    /// Says `value` on `channel`, as in `data/publish_message`, beside the answer: it is published after the handler
    /// returned well, and the message heard is acknowledged only when this is confirmed too.
    ///
    /// # Errors
    /// [`Failure::Refuse`] when the component does not say anything on `channel`, or `value` cannot be sent.
    pub fn send(&self, channel: &str, value: &impl Serialize) -> Result<(), Failure> {
        let place =
            self.says.iter().position(|name| name.short() == channel).ok_or_else(|| {
                Failure::refuse(format!("`{channel}` is not a channel that asyncapi.yaml publishes on"))
            })?;
        self.said.borrow_mut().push((place, Said::json(value)?));
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Vec<(&'p ChannelName, Said)>, Vec<Entry>) {
        let said = self.said.into_inner().into_iter().map(|(place, said)| (&self.says[place], said)).collect();
        (said, self.once_sent.into_inner())
    }
}

/// The log, by severity. Entries are seen in the component's own log and, from `LOG_MOV_LEVEL` on, in the MOV's.
#[derive(Debug)]
pub struct Log<'c> {
    context: &'c Context<'c>,
    once_sent: bool,
}

impl Log<'_> {
    /// Something was not done.
    pub fn error(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Error, message, payload);
    }

    /// Something will be missed if nobody acts.
    pub fn warn(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Warn, message, payload);
    }

    /// What happens.
    pub fn info(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Info, message, payload);
    }

    /// What helps to find a fault.
    pub fn debug(&self, message: impl fmt::Display, payload: &impl Serialize) {
        self.add(Severity::Debug, message, payload);
    }

    fn add(&self, severity: Severity, message: impl fmt::Display, payload: &impl Serialize) {
        let log = self.context.log;
        if !log.passes(severity) && !is_seen_here(severity) {
            return;
        }
        let entry = Entry::new(severity, message, payload);
        if self.once_sent {
            self.context.once_sent.borrow_mut().push(entry);
        } else {
            log.add(entry);
        }
    }
}

fn is_seen_here(severity: Severity) -> bool {
    severity.level() <= log::max_level()
}

/// Tries a handler out: gives it contexts, and keeps what it logs.
///
/// ```
/// use valawai::{Context, Failure, Heard, Said, Trial};
///
/// fn shout(heard: &Heard<'_>, context: &Context<'_>) -> Result<Said, Failure> {
///     context.log().info("Somebody spoke", heard);
///     Said::json(&serde_json::json!({ "content": "HELLO" }))
/// }
///
/// let trial = Trial::default();
/// let said = shout(&Heard::from(r#"{"content": "hello"}"#), &trial.context()).unwrap();
/// assert_eq!(said.body(), br#"{"content":"HELLO"}"#);
/// assert_eq!(trial.logged()[0].message, "Somebody spoke");
/// ```
#[derive(Debug)]
pub struct Trial {
    says: Vec<ChannelName>,
    log: MovLog,
    writer: Writer,
}

impl Default for Trial {
    fn default() -> Self {
        let (log, writer) = crate::mov::log::open(log::LevelFilter::Debug, crate::mov::identity::Identity::default());
        Self { says: Vec::new(), log, writer }
    }
}

impl Trial {
    /// A context for one call of the handler.
    #[must_use]
    pub fn context(&self) -> Context<'_> {
        Context::new(&self.says, &self.log)
    }

    /// What was logged since the last time it was asked for, but for what waits to be sent.
    #[must_use]
    pub fn logged(&self) -> Vec<Entry> {
        self.writer.take_all()
    }
}

impl Context<'_> {
    /// What is logged once the answer is sent: for tests of handlers.
    #[must_use]
    pub fn logged_once_sent(&self) -> Ref<'_, [Entry]> {
        Ref::map(self.once_sent.borrow(), Vec::as_slice)
    }
}
