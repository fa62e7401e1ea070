//! A channel with a state that is being declared.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::state::HandlerState;
use super::{ChannelBuilder, Component, Context};
use crate::failure::Failure;

/// A component and a channel with a state, that waits for its handler. See [`ChannelBuilder::with_state`].
///
/// ```
/// # use serde_json::{Value, json};
/// # use valawai::{Component, testing};
/// # let channels = ["subscribe data/text", "subscribe data/reset", "publish data/total"];
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/word_count", &channels);
/// let component = Component::new("1.0.0", asyncapi)
///     .on("data/text")
///     .with_state(0)
///     .reply("data/total", |_: Value, total, _| {
///         *total += 1;
///         Ok(json!({ "texts": *total }))
///     })
///     .on("data/reset")
///     .with_state(0)
///     .consume(|_: Value, resets, context| {
///         *resets += 1;
///         context.log().info(format!("{resets} resets"), &());
///         Ok(())
///     });
/// let running = testing::run(&component);
/// running.publish("data/text", &json!({}));
/// running.publish("data/text", &json!({}));
/// running.publish("data/reset", &json!({}));
/// assert_eq!(running.receive("data/total")["texts"], 1);
/// assert_eq!(running.receive("data/total")["texts"], 2);
/// assert_eq!(running.wait_for_log("1 resets").level, "INFO");
/// ```
#[must_use = "the channel has no handler yet"]
pub struct StatefulChannelBuilder<S> {
    pub(super) channel: ChannelBuilder,
    pub(super) state: Arc<HandlerState<S>>,
}

impl<S: Clone + Send + 'static> StatefulChannelBuilder<S> {
    /// As [`ChannelBuilder::reply`], with the state. See the example of [`StatefulChannelBuilder`].
    #[must_use]
    pub fn reply<I, O, F>(self, to: &str, handler: F) -> Component
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I, &mut S, &Context) -> Result<O, Failure> + Send + Sync + 'static,
    {
        let Self { channel, state } = self;
        channel.reply(to, move |input, context| state.with(|state| handler(input, state, context)))
    }

    /// As [`ChannelBuilder::reply_optional`], with the state. See the example of [`ChannelBuilder::with_state`].
    #[must_use]
    pub fn reply_optional<I, O, F>(self, to: &str, handler: F) -> Component
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Fn(I, &mut S, &Context) -> Result<Option<O>, Failure> + Send + Sync + 'static,
    {
        let Self { channel, state } = self;
        channel.reply_optional(to, move |input, context| state.with(|state| handler(input, state, context)))
    }

    /// As [`ChannelBuilder::consume`], with the state. See the example of [`StatefulChannelBuilder`].
    #[must_use]
    pub fn consume<I, F>(self, handler: F) -> Component
    where
        I: DeserializeOwned,
        F: Fn(I, &mut S, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    {
        let Self { channel, state } = self;
        channel.consume(move |input, context| state.with(|state| handler(input, state, context)))
    }
}
