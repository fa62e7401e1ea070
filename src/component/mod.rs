//! A component, declared: what it hears, what it says, and the functions in between.

mod check;
mod plan;

use std::sync::Arc;
use std::time::Duration;

pub use check::Misfits;
pub use plan::Plan;
pub(crate) use plan::{Action, Route, Source};

use crate::handler::{Answer, Hear, Say};

/// A component as its author declares it, on top of its `asyncapi.yaml`.
///
/// ```no_run
/// # use valawai::{Component, Context, Failure, Heard, Said};
/// # fn say_back(heard: &Heard<'_>, _: &Context<'_>) -> Result<Said, Failure> { Said::json(heard) }
/// # const ASYNCAPI: &str = "";
/// Component::new("1.0.0", ASYNCAPI)
///     .on("data/received_message")
///     .answer("data/publish_message", say_back);
/// ```
pub struct Component {
    version: &'static str,
    asyncapi: &'static str,
    hears: Vec<Declared>,
    speaks: Vec<Spoken>,
    says: Vec<String>,
}

struct Declared {
    channel: String,
    task: Option<String>,
    action: DeclaredAction,
}

enum DeclaredAction {
    Answer { to: String, handler: Arc<dyn Answer> },
    Then(Arc<dyn Hear>),
}

struct Spoken {
    channel: String,
    period: Duration,
    source: Arc<dyn Say>,
}

impl Component {
    /// A component of `version` (three numbers, as in `1.0.0`) with the contract `asyncapi`, the text of its
    /// `asyncapi.yaml`.
    #[must_use]
    pub fn new(version: &'static str, asyncapi: &'static str) -> Self {
        Self { version, asyncapi, hears: Vec::new(), speaks: Vec::new(), says: Vec::new() }
    }

    /// Begins to say what happens to a message on `channel`, as in `data/received_message`.
    #[must_use]
    pub fn on(self, channel: &str) -> Hearing {
        Hearing { component: self, channel: channel.to_owned(), task: None }
    }

    /// Begins to say what the component says of itself, each time that `period` has passed.
    #[must_use]
    pub fn every(self, period: Duration) -> Saying {
        Saying { component: self, period }
    }

    /// Declares that handlers say something on `channel` with [`Context::send`](crate::Context::send).
    #[must_use]
    pub fn says(mut self, channel: &str) -> Self {
        self.says.push(channel.to_owned());
        self
    }
}

/// A component that hears something, and what it does then is still to be said.
pub struct Hearing {
    component: Component,
    channel: String,
    task: Option<String>,
}

impl Hearing {
    /// What the handler does, in a word, for the log: `Cannot process <task>, because …`. Defaults to the last part of
    /// the channel's name.
    #[must_use]
    pub fn task(mut self, task: &str) -> Self {
        self.task = Some(task.to_owned());
        self
    }

    /// What `handler` returns is said on the channel `to`.
    #[must_use]
    pub fn answer(self, to: &str, handler: impl Answer) -> Component {
        self.act(DeclaredAction::Answer { to: to.to_owned(), handler: Arc::new(handler) })
    }

    /// `handler` hears it, and nothing is said to it.
    #[must_use]
    pub fn then(self, handler: impl Hear) -> Component {
        self.act(DeclaredAction::Then(Arc::new(handler)))
    }

    fn act(self, action: DeclaredAction) -> Component {
        let Self { mut component, channel, task } = self;
        component.hears.push(Declared { channel, task, action });
        component
    }
}

/// A component that says something of itself, and what it says is still to be told.
pub struct Saying {
    component: Component,
    period: Duration,
}

impl Saying {
    /// What `source` returns is said on `channel`. The next time begins when the broker has confirmed this one.
    #[must_use]
    pub fn say(self, channel: &str, source: impl Say) -> Component {
        let Self { mut component, period } = self;
        component.speaks.push(Spoken { channel: channel.to_owned(), period, source: Arc::new(source) });
        component
    }
}
