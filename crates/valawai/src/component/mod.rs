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
pub(crate) mod parameters;
mod publisher;
mod resolved;
mod route_output;
pub(crate) mod scope;
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
