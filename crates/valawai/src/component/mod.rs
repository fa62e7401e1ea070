//! What authors use: a component is declared on top of its `asyncapi.yaml`, and its handlers are plain functions.

mod channel_builder;
mod check;
pub(crate) mod context;
pub(crate) mod handler;
mod log;
mod mov;
pub(crate) mod outbox;
mod output;
mod publisher;
mod resolved;
mod sent_message;
mod source;
pub(crate) mod state;
mod test_context;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use channel_builder::{ChannelBuilder, StatefulChannelBuilder};
pub use check::ContractErrors;
pub use context::{Context, Scope};
pub use log::Log;
pub use mov::Mov;
pub use output::Output;
pub use publisher::Publisher;
pub use resolved::{ResolvedComponent, Route, Source};
pub use sent_message::{Participant, SentMessage};
pub use test_context::TestContext;

use self::channel_builder::ChannelOptions;
use self::handler::Handler;
use self::source::SourceLoop;
use crate::failure::Failure;
use crate::shutdown::Shutdown;

/// The channel of parameters.
const PARAMETERS: &str = "control/parameters";

/// A component as its author declares it, on top of its `asyncapi.yaml`.
///
/// ```
/// # use valawai::{Component, Context, Failure};
/// # #[derive(serde::Deserialize, serde::Serialize)] struct Echo { content: String }
/// # fn echo(message: Echo, _: &Context) -> Result<Echo, Failure> { Ok(message) }
/// # let asyncapi = valawai::internals::asyncapi::sample(
/// #     "c1/echo", &["subscribe data/received_message", "publish data/publish_message"]);
/// let component =
///     Component::new("1.0.0", asyncapi).on("data/received_message").reply("data/publish_message", echo);
/// component.check()?;
/// # Ok::<(), valawai::ContractErrors>(())
/// ```
pub struct Component {
    version: &'static str,
    asyncapi: &'static str,
    consumed: Vec<Consumed>,
    sources: Vec<DeclaredSource>,
    outputs: Vec<Output>,
    /// What cannot be declared like that, for [`Self::check`].
    mistakes: Vec<String>,
}

/// A channel with the handler of its messages.
struct Consumed {
    channel: String,
    reply_to: Option<String>,
    handler: Handler,
    options: ChannelOptions,
}

/// A channel on which the component publishes by itself.
struct DeclaredSource {
    channel: String,
    run: SourceLoop,
    on_one_replica: bool,
}

impl Component {
    /// A component with this `version`, three numbers as in `1.0.0`, and the contract `asyncapi`, the text of its
    /// `asyncapi.yaml`. [`component!`](crate::component!) takes both from the crate. See the example of [`Component`].
    #[must_use]
    pub fn new(version: &'static str, asyncapi: &'static str) -> Self {
        Self { version, asyncapi, consumed: Vec::new(), sources: Vec::new(), outputs: Vec::new(), mistakes: Vec::new() }
    }

    /// Declares what becomes of the messages on `channel`, as in `data/received_message`. A handler follows, as in the example
    /// of [`Component`].
    pub fn on(self, channel: &str) -> ChannelBuilder {
        ChannelBuilder { component: self, channel: channel.to_owned(), options: ChannelOptions::default() }
    }

    /// Passes the messages of a C2 component's `channel`, as in `control/sent_treatment`, to `handler`: messages that other
    /// components sent to each other. `T` is their payload.
    ///
    /// Messages that the component itself published are left out, because a component that reacts to its own messages may
    /// never end. A message is acknowledged when the broker has confirmed what the handler [sent](Context::send) and
    /// [requested](Context::mov).
    ///
    /// The MOV stores what a C2 component that registers late is to observe as disabled. The kit enables it, once, after the
    /// component has registered.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use serde_json::json;
    /// # use valawai::{Component, Failure, SentMessage, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c2/watch", &["subscribe control/sent_treatment"]);
    /// #[derive(Deserialize)]
    /// struct Treatment { dose: f64 }
    ///
    /// let component = Component::new("1.0.0", asyncapi).on_sent(
    ///     "control/sent_treatment",
    ///     |sent: SentMessage<Treatment>, context| {
    ///         if sent.message_payload.dose > 10.0 {
    ///             context.mov().disable(&sent.connection_id);
    ///         }
    ///         Ok(())
    ///     },
    /// );
    /// let running = testing::run(&component);
    /// let sent = json!({ "connection_id": "65a0b1c2d3e4f5061728394a", "message_payload": { "dose": 12 } });
    /// running.publish("control/sent_treatment", &sent);
    /// running.wait_until_acknowledged("control/sent_treatment");
    /// assert_eq!(running.requested()[0].1["action"], "DISABLE");
    /// ```
    #[must_use]
    pub fn on_sent<T: DeserializeOwned>(
        self,
        channel: &str,
        handler: impl Fn(SentMessage<T>, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        let mut builder = self.on(channel);
        builder.options.observes = true;
        builder.consume(
            move |sent: SentMessage<T>, context: &Context| {
                if sent.source.name == context.component() { Ok(()) } else { handler(sent, context) }
            },
        )
    }

    /// Passes new parameters, the messages on `control/parameters`, to `handler`. It keeps what it wants of valid ones.
    ///
    /// Invalid parameters are reported as an error in the MOV's log, once, and nothing else happens: the handler keeps the last
    /// valid ones. Parameters are never retried, because newer ones may have arrived meanwhile.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use serde::Deserialize;
    /// use valawai::{Component, Failure};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &["subscribe control/parameters"]);
    ///
    /// #[derive(Deserialize, Clone, Default)]
    /// struct Limits { highest: f64 }
    ///
    /// let limits = Arc::new(Mutex::new(Limits::default()));
    /// let current = Arc::clone(&limits);
    /// let component = Component::new("1.0.0", asyncapi).parameters(move |new: Limits, _| {
    ///     if new.highest < 0.0 {
    ///         return Err(Failure::refuse("`highest` is negative"));
    ///     }
    ///     *current.lock().unwrap() = new;
    ///     Ok(())
    /// });
    /// let running = valawai::testing::run(&component);
    /// running.publish("control/parameters", &serde_json::json!({ "highest": 30 }));
    /// running.wait_until_acknowledged("control/parameters");
    /// assert_eq!(limits.lock().unwrap().highest, 30.0);
    /// ```
    #[must_use]
    pub fn parameters<P: DeserializeOwned>(
        self,
        handler: impl Fn(P, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on(PARAMETERS).retries(0).consume(handler)
    }

    /// Declares that the component publishes on `channel` by itself: `run` senses something, and publishes it.
    ///
    /// `run` has a thread of its own. It starts when the component is connected, and continues over outages and reconnects: its
    /// [`Publisher`] waits until the broker is back. If it fails or panics, it is called again after a pause; if it
    /// returns `Ok`, it is done. When the component stops, it has a second to return: it waits with [`Shutdown::wait_for`]
    /// instead of sleeping, and returns the error of a publish with `?`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde::Serialize;
    /// use valawai::{Component, Failure, Publisher, Shutdown, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c0/thermometer", &["publish data/temperature"]);
    ///
    /// #[derive(Serialize)]
    /// struct Temperature { celsius: f64 }
    ///
    /// fn measure(publisher: &Publisher, shutdown: &Shutdown) -> Result<(), Failure> {
    ///     while !shutdown.wait_for(Duration::from_millis(100)) {
    ///         publisher.publish(&Temperature { celsius: 21.5 })?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// let component = Component::new("1.0.0", asyncapi).source("data/temperature", measure);
    /// assert_eq!(testing::run(&component).receive("data/temperature")["celsius"], 21.5);
    /// ```
    #[must_use]
    pub fn source<F>(mut self, channel: &str, run: F) -> Self
    where
        F: Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.add_source(channel, Arc::new(run));
        self
    }

    /// Runs the source or the period that was declared last on one replica only: the process that registers the component. By
    /// default, it runs on every replica.
    ///
    /// When that process ends or loses its connection, another one takes over. For a moment, both may run. See the example of
    /// [`Self::every`].
    #[must_use]
    pub fn on_one_replica(mut self) -> Self {
        match self.sources.last_mut() {
            Some(source) => source.on_one_replica = true,
            None => self.mistakes.push("`on_one_replica` follows no `source` and no `every`".to_owned()),
        }
        self
    }

    fn add_source(&mut self, channel: &str, run: SourceLoop) {
        self.sources.push(DeclaredSource { channel: channel.to_owned(), run, on_one_replica: false });
    }

    /// Declares that the component publishes by itself, once every `period`. A channel and a handler follow.
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde_json::json;
    /// # use valawai::{Component, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &["publish data/heartbeat"]);
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .every(Duration::from_secs(60))
    ///     .publish("data/heartbeat", |_| Ok(Some(json!({ "is_alive": true }))))
    ///     .on_one_replica();
    /// assert_eq!(testing::run(&component).receive("data/heartbeat"), json!({ "is_alive": true }));
    /// ```
    pub fn every(self, period: Duration) -> PeriodBuilder {
        PeriodBuilder { component: self, period }
    }

    /// Declares an output on which handlers publish with [`Context::send`]. See the example of [`Output`].
    #[must_use]
    pub fn sends(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
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
    /// called; the next call waits until the broker has confirmed what this one published. See the example of
    /// [`Component::every`].
    #[must_use]
    pub fn publish<O, F>(self, channel: &str, handler: F) -> Component
    where
        O: Serialize,
        F: Fn(&Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
    {
        let Self { mut component, period } = self;
        component.add_source(channel, source::periodic(period, handler::publishing(handler)));
        component
    }
}

/// Declares a [`Component`] with the version of the crate that calls the macro, and its `asyncapi.yaml` at a path relative
/// to the source file: usually `../asyncapi.yaml`.
///
/// ```standalone_crate
/// let component = valawai::component!("../../../../asyncapi.yaml")
///     .on("data/received_message")
///     .reply_raw("data/publish_message", |message, _| valawai::Reply::json(message));
/// component.check()?;
/// # Ok::<(), valawai::ContractErrors>(())
/// ```
#[macro_export]
macro_rules! component {
    ($asyncapi:literal) => {
        $crate::Component::new(env!("CARGO_PKG_VERSION"), include_str!($asyncapi))
    };
}
