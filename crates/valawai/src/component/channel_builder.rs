//! A channel that is being declared: its options, and then its handler.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handler::{self, Handler};
use super::state::{HandlerState, StateHistory};
use super::{Component, Consumed, Context, StatefulChannelBuilder};
use crate::failure::Failure;
use crate::message::{Message, Reply};

/// What is particular to one channel.
#[derive(Clone, Default)]
pub(crate) struct ChannelOptions {
    /// What the handler does, for the log.
    pub(crate) task: Option<String>,
    /// The limit of the deliveries in flight.
    pub(crate) prefetch: Option<u16>,
    /// The number of threads that consume this channel and no other.
    pub(crate) workers: Option<usize>,
    /// How often a message is retried.
    pub(crate) retries: Option<u32>,
    /// Whether it is a channel on which a C2 component is notified of sent messages.
    pub(crate) observes: bool,
    /// The state of its handler.
    pub(crate) state: Option<Arc<dyn StateHistory>>,
}

/// A component and a channel that waits for its handler. Options precede the handler:
///
/// ```
/// # use serde_json::Value;
/// # use valawai::Component;
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/camera", &["subscribe data/frame", "subscribe data/setup"]);
/// let component = Component::new("1.0.0", asyncapi)
///     .on("data/frame")
///     .task("frame")
///     .prefetch(8)
///     .workers(2)
///     .retries(3)
///     .consume(|frame: Value, context| {
///         context.log().debug("Received a frame", &frame);
///         Ok(())
///     })
///     .on("data/setup")
///     .consume(|_: Value, _| Ok(()));
/// component.check()?;
/// # Ok::<(), valawai::ContractErrors>(())
/// ```
#[must_use = "the channel has no handler yet"]
pub struct ChannelBuilder {
    pub(super) component: Component,
    pub(super) channel: String,
    pub(super) options: ChannelOptions,
}

impl ChannelBuilder {
    /// Names in one word what the handler does, for the log: `Cannot process <task>, because …`. Defaults to the last
    /// part of the channel's name. See the example of [`ChannelBuilder`], as for the other options.
    pub fn task(mut self, task: &str) -> Self {
        self.options.task = Some(task.to_owned());
        self
    }

    /// The maximum number of messages of this channel in flight, in each of its workers. Defaults to the setting
    /// `RABBITMQ_PREFETCH`.
    pub fn prefetch(mut self, messages: u16) -> Self {
        self.options.prefetch = Some(messages);
        self
    }

    /// Consumes this channel on as many threads of its own, so that it neither delays the other channels nor waits for
    /// them. More than one loses the order of its messages. Defaults to the threads that all data channels share, whose
    /// number is the setting `WORKERS`.
    pub fn workers(mut self, threads: usize) -> Self {
        self.options.workers = Some(threads);
        self
    }

    /// How often a message of this channel is retried after a [`Failure::Retry`], until it becomes a dead letter. Defaults to
    /// the setting `MAX_RETRIES`.
    pub fn retries(mut self, times: u32) -> Self {
        self.options.retries = Some(times);
        self
    }

    /// Gives the handler a state, which starts as `initial` with each process.
    ///
    /// A change of it counts when everything that the handler published is confirmed. If it is not, or if the handler
    /// fails, the state is rolled back, together with the messages behind that depend on it: they are delivered again. So
    /// a filter that remembers what it published last never takes a value for published that was not. The handler may see
    /// a message again that it has seen before, as all handlers may.
    ///
    /// The channel gets a thread of its own, and its messages are handled in order. `S` is cloned now and then, which should be
    /// cheap; about a dozen copies exist at a time.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use valawai::{Component, Context, Failure, testing};
    /// # let channels = ["subscribe data/presence", "publish data/change"];
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/changes", &channels);
    ///
    /// #[derive(Deserialize, Serialize, Clone, PartialEq)]
    /// struct Presence { is_present: bool }
    ///
    /// /// Passes on changes only.
    /// fn changes(now: Presence, last: &mut Option<Presence>, _: &Context) -> Result<Option<Presence>, Failure> {
    ///     let has_changed = last.replace(now.clone()).as_ref() != Some(&now);
    ///     Ok(has_changed.then_some(now))
    /// }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .on("data/presence")
    ///     .with_state(None)
    ///     .reply_optional("data/change", changes);
    /// let running = testing::run(&component);
    /// for is_present in [true, true, false] {
    ///     running.publish("data/presence", &Presence { is_present });
    /// }
    /// running.wait_until_acknowledged("data/presence");
    /// assert_eq!(running.published("data/change").len(), 2);
    /// ```
    pub fn with_state<S: Clone + Send + 'static>(mut self, initial: S) -> StatefulChannelBuilder<S> {
        let state = Arc::new(HandlerState::new(initial));
        self.options.state = Some(Arc::clone(&state) as Arc<dyn StateHistory>);
        StatefulChannelBuilder { channel: self, state }
    }

    /// Publishes what `handler` returns on the channel `to`. The consumed message is acknowledged when the broker has
    /// confirmed the reply.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use valawai::{Component, testing};
    /// # let channels = ["subscribe data/text", "publish data/count"];
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/word_count", &channels);
    /// #[derive(Deserialize)]
    /// struct Document { text: String }
    ///
    /// #[derive(Serialize)]
    /// struct Count { words: usize }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .on("data/text")
    ///     .reply("data/count", |document: Document, _| Ok(Count { words: document.text.split(' ').count() }));
    /// let running = testing::run(&component);
    /// running.publish("data/text", &serde_json::json!({ "text": "one two" }));
    /// assert_eq!(running.receive("data/count")["words"], 2);
    /// ```
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
    ///
    /// ```
    /// # use serde_json::{Value, json};
    /// # use valawai::{Component, testing};
    /// # let channels = ["subscribe data/temperature", "publish data/alarm"];
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &channels);
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .on("data/temperature")
    ///     .reply_optional("data/alarm", |now: Value, _| Ok((now["celsius"].as_f64() > Some(30.0)).then_some(now)));
    /// let running = testing::run(&component);
    /// running.publish("data/temperature", &json!({ "celsius": 20 }));
    /// running.publish("data/temperature", &json!({ "celsius": 40 }));
    /// assert_eq!(running.receive("data/alarm"), json!({ "celsius": 40 }));
    /// ```
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
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use valawai::{Component, Reply, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &["subscribe data/text", "publish data/echo"]);
    /// #[derive(Deserialize, Serialize)]
    /// struct Echo<'m> { content: &'m str }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .on("data/text")
    ///     .reply_raw("data/echo", |message, _| Reply::json(&message.read::<Echo>()?));
    /// let running = testing::run(&component);
    /// running.publish("data/text", &Echo { content: "hello" });
    /// assert_eq!(running.receive("data/echo")["content"], "hello");
    /// ```
    #[must_use]
    pub fn reply_raw<F>(self, to: &str, handler: F) -> Component
    where
        F: Fn(&Message, &Context) -> Result<Reply, Failure> + Send + Sync + 'static,
    {
        self.declare(Some(to), handler::replying_raw(handler))
    }

    /// Passes the messages to `handler` and publishes no reply. See the example of [`ChannelBuilder`].
    #[must_use]
    pub fn consume<I, F>(self, handler: F) -> Component
    where
        I: DeserializeOwned,
        F: Fn(I, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    {
        self.declare(None, handler::consuming(handler))
    }

    pub(super) fn declare(self, reply_to: Option<&str>, handler: Handler) -> Component {
        let Self { mut component, channel, options } = self;
        component.consumed.push(Consumed { channel, reply_to: reply_to.map(str::to_owned), handler, options });
        component
    }
}
