//! What authors use: a component is declared on top of its `asyncapi.yaml`, and its handlers are plain functions.

mod channel_builder;
mod check;
pub(crate) mod context;
pub(crate) mod handler;
pub mod input;
mod log;
mod mov;
pub(crate) mod outbox;
pub(crate) mod outlet;
mod output;
mod publisher;
mod resolved;
mod route_output;
mod sent_message;
pub(crate) mod settings;
mod source;
pub(crate) mod state;
mod stateful_channel_builder;
mod test_context;
pub(crate) mod ticket;

use serde::de::DeserializeOwned;

pub use channel_builder::ChannelBuilder;
pub use check::ContractErrors;
pub use context::Context;
pub use log::Log;
pub use mov::Mov;
pub use output::Output;
pub use publisher::Publisher;
pub use resolved::{ResolvedComponent, Route, Source};
pub use route_output::RouteOutput;
pub use sent_message::{Participant, SentMessage};
pub use source::PeriodBuilder;
pub use stateful_channel_builder::StatefulChannelBuilder;
pub use test_context::TestContext;

use self::channel_builder::ChannelOptions;
use self::handler::Handler;
use self::settings::OwnSettings;
use self::source::DeclaredSource;
use crate::failure::Failure;

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
    settings: Option<OwnSettings>,
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

impl Component {
    /// A component with this `version`, three numbers as in `1.0.0`, and the contract `asyncapi`, the text of its
    /// `asyncapi.yaml`. [`component!`](crate::component!) takes both from the crate. See the example of [`Component`].
    #[must_use]
    pub fn new(version: &'static str, asyncapi: &'static str) -> Self {
        Self {
            version,
            asyncapi,
            consumed: Vec::new(),
            sources: Vec::new(),
            outputs: Vec::new(),
            settings: None,
            mistakes: Vec::new(),
        }
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

    /// Declares settings of the component: a struct, whose fields are read like the settings of the kit. The field `model` is the
    /// environment variable `MODEL`, `model` in the configuration file, and the key `model` in Consul or etcd. A field that may be
    /// missing has a default of serde, or is an `Option`; a list is separated by commas, and everything else that is no single
    /// value is JSON.
    ///
    /// Handlers use them with [`Context::settings`]. They change while the component runs, as docs/configuration.md describes: an
    /// invalid value is reported, and the old one stays.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use serde_json::{Value, json};
    /// # use valawai::{Component, Context, Failure, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &["subscribe data/celsius", "publish data/alarm"]);
    /// #[derive(Deserialize)]
    /// struct Limits {
    ///     #[serde(default = "thirty")]
    ///     highest: f64,
    /// }
    /// # fn thirty() -> f64 { 30.0 }
    ///
    /// fn alarm(celsius: Value, context: &Context) -> Result<Option<Value>, Failure> {
    ///     let limits = context.settings::<Limits>();
    ///     Ok((celsius["value"].as_f64() > Some(limits.highest)).then_some(celsius))
    /// }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .settings::<Limits>()
    ///     .on_change(&["highest"], |old: &Limits, new: &Limits| println!("{} -> {}", old.highest, new.highest))
    ///     .on("data/celsius")
    ///     .reply_optional("data/alarm", alarm);
    /// let running = testing::run_with(&component, &[("HIGHEST", "20")]);
    /// running.publish("data/celsius", &json!({ "value": 21 }));
    /// assert_eq!(running.receive("data/alarm"), json!({ "value": 21 }));
    /// ```
    #[must_use]
    pub fn settings<S: DeserializeOwned + Send + Sync + 'static>(mut self) -> Self {
        let settings = OwnSettings::of::<S>();
        if settings.fields().is_empty() {
            self.mistakes.push("the settings need a struct with fields, none of which is flattened".to_owned());
        }
        if self.settings.replace(settings).is_some() {
            self.mistakes.push("`settings` is declared twice; put all settings into one struct".to_owned());
        }
        self
    }

    /// Calls `listener` with the old and the new [settings](Self::settings) when one of the `fields` has changed, on a thread of
    /// its own. A field that is not set and an empty one are the same. A panic is logged.
    #[must_use]
    pub fn on_change<S: DeserializeOwned + Send + Sync + 'static>(
        mut self,
        fields: &[&str],
        listener: impl Fn(&S, &S) + Send + Sync + 'static,
    ) -> Self {
        let added = match &self.settings {
            Some(settings) => settings.on_change(fields, listener),
            None => Err("`on_change` needs `settings` before it".to_owned()),
        };
        self.mistakes.extend(added.err());
        self
    }

    /// Declares an output on which handlers publish with [`Context::send`]. See the example of [`Output`].
    #[must_use]
    pub fn sends(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
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
