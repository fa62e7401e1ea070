//! What authors use: a component is declared on top of its `asyncapi.yaml`, and its handlers are plain functions.

mod check;
pub(crate) mod context;
pub(crate) mod handler;
mod output;
mod resolved;
mod test_context;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use check::ContractErrors;
pub use context::{Context, Log};
pub use output::Output;
pub use resolved::ResolvedComponent;
pub(crate) use resolved::{Route, Schedule};
pub use test_context::TestContext;

use self::handler::Handler;
use crate::failure::Failure;
use crate::message::{Message, Reply};

/// A component as its author declares it, on top of its `asyncapi.yaml`.
///
/// ```no_run
/// # use valawai::{Context, Failure};
/// # #[derive(serde::Deserialize, serde::Serialize)] struct Echo { content: String }
/// # fn echo(message: Echo, _: &Context) -> Result<Echo, Failure> { Ok(message) }
/// # const ASYNCAPI: &str = "";
/// valawai::Component::new("1.0.0", ASYNCAPI)
///     .on("data/received_message")
///     .reply("data/publish_message", echo);
/// ```
pub struct Component {
    version: &'static str,
    asyncapi: &'static str,
    consumed: Vec<Consumed>,
    periodic: Vec<Periodic>,
    outputs: Vec<Output>,
}

/// A channel with the handler of its messages.
struct Consumed {
    channel: String,
    task: Option<String>,
    reply_to: Option<String>,
    handler: Handler,
}

/// A channel on which the component publishes periodically.
struct Periodic {
    channel: String,
    period: Duration,
    handler: Handler,
}

impl Component {
    /// A component with this `version`, three numbers as in `1.0.0`, and the contract `asyncapi`, the text of its
    /// `asyncapi.yaml`. [`component!`](crate::component!) takes both from the crate.
    #[must_use]
    pub fn new(version: &'static str, asyncapi: &'static str) -> Self {
        Self { version, asyncapi, consumed: Vec::new(), periodic: Vec::new(), outputs: Vec::new() }
    }

    /// Declares what becomes of the messages on `channel`, as in `data/received_message`. A handler follows.
    pub fn on(self, channel: &str) -> ChannelBuilder {
        ChannelBuilder { component: self, channel: channel.to_owned(), task: None }
    }

    /// Declares that the component publishes by itself, once every `period`. A channel and a handler follow.
    pub fn every(self, period: Duration) -> PeriodBuilder {
        PeriodBuilder { component: self, period }
    }

    /// Declares an output on which handlers publish with [`Context::send`].
    #[must_use]
    pub fn sends(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }
}

/// A component and a channel that waits for its handler.
#[must_use = "the channel has no handler yet"]
pub struct ChannelBuilder {
    component: Component,
    channel: String,
    task: Option<String>,
}

impl ChannelBuilder {
    /// Names in one word what the handler does, for the log: `Cannot process <task>, because …`. Defaults to the last
    /// part of the channel's name.
    pub fn task(mut self, task: &str) -> Self {
        self.task = Some(task.to_owned());
        self
    }

    /// Publishes what `handler` returns on the channel `to`. The consumed message is acknowledged when the broker has
    /// confirmed the reply.
    #[must_use]
    pub fn reply<I, O, F>(self, to: &str, handler: F) -> Component
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I, &Context) -> Result<O, Failure> + Send + Sync + 'static,
    {
        self.declare(Some(to), handler::replying(handler))
    }

    /// Publishes what `handler` returns on the channel `to`, or nothing: a filter.
    #[must_use]
    pub fn reply_optional<I, O, F>(self, to: &str, handler: F) -> Component
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I, &Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
    {
        self.declare(Some(to), handler::replying_optionally(handler))
    }

    /// Publishes what `handler` returns on the channel `to`. The handler deserializes and serializes by itself, and may
    /// borrow from the message.
    #[must_use]
    pub fn reply_raw<F>(self, to: &str, handler: F) -> Component
    where
        F: Fn(&Message, &Context) -> Result<Reply, Failure> + Send + Sync + 'static,
    {
        self.declare(Some(to), handler::replying_raw(handler))
    }

    /// Passes the messages to `handler` and publishes no reply.
    #[must_use]
    pub fn consume<I, F>(self, handler: F) -> Component
    where
        I: DeserializeOwned,
        F: Fn(I, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.declare(None, handler::consuming(handler))
    }

    fn declare(self, reply_to: Option<&str>, handler: Handler) -> Component {
        let Self { mut component, channel, task } = self;
        component.consumed.push(Consumed { channel, task, reply_to: reply_to.map(str::to_owned), handler });
        component
    }
}

/// A component and a period that waits for its channel.
#[must_use = "nothing is published yet"]
pub struct PeriodBuilder {
    component: Component,
    period: Duration,
}

impl PeriodBuilder {
    /// Publishes what `handler` returns on `channel`, or nothing this time. The next period starts when the handler is
    /// called; the next call waits until the broker has confirmed what this one published.
    #[must_use]
    pub fn publish<O, F>(self, channel: &str, handler: F) -> Component
    where
        O: Serialize,
        F: Fn(&Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
    {
        let Self { mut component, period } = self;
        let handler = handler::publishing(handler);
        component.periodic.push(Periodic { channel: channel.to_owned(), period, handler });
        component
    }
}

/// Declares a [`Component`] with the version of the crate that calls the macro, and its `asyncapi.yaml` at a path relative
/// to the source file.
#[macro_export]
macro_rules! component {
    ($asyncapi:literal) => {
        $crate::Component::new(env!("CARGO_PKG_VERSION"), include_str!($asyncapi))
    };
}
