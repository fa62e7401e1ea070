//! What a source publishes with.

use std::sync::Arc;

use serde::Serialize;

use super::Log;
use super::context::{Handled, Routed};
use super::outbox::Outbox;
use super::scope::Scope;
use super::ticket::Tickets;
use crate::failure::Failure;
use crate::ids::Ids;
use crate::message::{Outgoing, Properties, Reply};
use crate::name::ChannelName;
use crate::trace::Trace;

/// Publishes the messages of a source. See [`Component::source`](crate::Component::source).
///
/// Messages are kept until the broker has confirmed them, over outages and reconnects, as long as the process lives. At most
/// 1024 messages or 16 MiB are unconfirmed; then a source waits.
///
/// ```
/// # use serde_json::json;
/// # use valawai::{Component, testing};
/// # let asyncapi = valawai::internals::asyncapi::sample("c0/thermometer", &["publish data/temperature"]);
/// let component = Component::new("1.0.0", asyncapi).source("data/temperature", |publisher, _| {
///     publisher.publish(&json!({ "celsius": 20 }))?; // confirmed
///     for celsius in 21..24 {
///         publisher.enqueue(&json!({ "celsius": celsius }))?; // on its way
///     }
///     publisher.flush()?; // all are confirmed
///     publisher.log().info("Published four temperatures", &());
///     Ok(())
/// });
/// let running = testing::run(&component);
/// let _ = running.wait_for_log("Published four temperatures");
/// assert_eq!(running.published("data/temperature").len(), 4);
/// ```
pub struct Publisher {
    outbox: Arc<Outbox>,
    channel: ChannelName,
    scope: Arc<Scope>,
    ids: Ids,
}

impl Publisher {
    pub(crate) fn new(outbox: Arc<Outbox>, channel: ChannelName, scope: Arc<Scope>) -> Self {
        Self { outbox, channel, scope, ids: Ids::new() }
    }

    /// Publishes `value`, and returns when the broker has confirmed it and everything before. In an outage, that is when the
    /// broker is back. See the example of [`Publisher`], as for the other methods.
    ///
    /// # Errors
    /// [`Failure::Refuse`] if `value` does not result in a valid payload, or the broker would not accept a message of that
    /// size. [`Failure::Retry`] if the component stops.
    pub fn publish(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.enqueue(value)?;
        self.flush()
    }

    /// Publishes `value` without waiting for the broker, if there is space. It is much faster than [`Self::publish`] when many
    /// messages follow each other. Call [`Self::flush`] where it matters that they have arrived.
    ///
    /// # Errors
    /// [`Failure::Refuse`] if `value` does not result in a valid payload; [`Failure::Retry`] if the component stops.
    pub fn enqueue(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.add(Arc::clone(self.channel.queue()), Reply::json(value)?, None)
    }

    /// Publishes `value` as [`Self::publish`] does, as a part of `trace`. A source begins a trace with [`Trace::begin`].
    ///
    /// # Errors
    /// As for [`Self::publish`].
    pub fn publish_in(&self, trace: &Trace, value: &impl Serialize) -> Result<(), Failure> {
        self.enqueue_in(trace, value)?;
        self.flush()
    }

    /// Publishes `value` as [`Self::enqueue`] does, as a part of `trace`.
    ///
    /// # Errors
    /// As for [`Self::enqueue`].
    pub fn enqueue_in(&self, trace: &Trace, value: &impl Serialize) -> Result<(), Failure> {
        self.add(Arc::clone(self.channel.queue()), Reply::json(value)?, Some(trace))
    }

    /// Waits until the broker has confirmed everything that was published.
    ///
    /// # Errors
    /// [`Failure::Refuse`] if the broker would not accept a message because of its size, and it was dropped.
    /// [`Failure::Retry`] if the component stops.
    pub fn flush(&self) -> Result<(), Failure> {
        self.outbox.flush()
    }

    /// The settings of the component as they are now. A source that looks at them each time takes up changes.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use serde_json::json;
    /// # use valawai::{Component, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c0/thermometer", &["publish data/temperature"]);
    /// #[derive(Deserialize)]
    /// struct Sensor { room: String }
    ///
    /// let component = Component::new("1.0.0", asyncapi)
    ///     .settings::<Sensor>()
    ///     .source("data/temperature", |publisher, _| {
    ///         publisher.publish(&json!({ "room": publisher.settings::<Sensor>().room, "celsius": 20 }))
    ///     });
    /// let running = testing::run_with(&component, &[("ROOM", "kitchen")]);
    /// assert_eq!(running.receive("data/temperature")["room"], "kitchen");
    /// ```
    ///
    /// # Panics
    /// If the component does not declare `S` with [`Component::settings`](crate::Component::settings).
    #[must_use]
    pub fn settings<S: Send + Sync + 'static>(&self) -> Arc<S> {
        self.scope.settings()
    }

    /// Writes to the log.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log::new(&self.scope.log)
    }

    pub(super) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    pub(super) fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// Publishes what a handler sent and returned, and logs what it wanted to be logged on confirm.
    pub(super) fn publish_handled(&self, handled: Handled, reply: Option<Reply>) -> Result<(), Failure> {
        let trace = handled.message.properties.trace.as_deref();
        for sent in handled.sent {
            self.add(sent.queue, sent.reply, trace)?;
        }
        if let Some(reply) = reply {
            self.add(Arc::clone(self.channel.queue()), reply, trace)?;
        }
        self.flush()?;
        for Routed { route, reply } in handled.routed {
            self.hand_over(&route, reply, trace);
        }
        for entry in handled.on_confirm {
            self.scope.log.add(entry);
        }
        Ok(())
    }

    /// Hands a message over to a producer from configuration, if there still is one. It waits in the outbox until it is confirmed.
    fn hand_over(&self, route: &str, reply: Reply, trace: Option<&Trace>) {
        let outlets = self.scope.outlets.current();
        if let Some(outlet) = outlets.iter().find(|outlet| outlet.name == route) {
            let message = Outgoing { properties: self.properties(trace), ..Outgoing::new(route, reply.into_body()) };
            outlet.hand_over(message, || Arc::<Tickets>::default().issue(0));
        }
    }

    fn add(&self, queue: Arc<str>, reply: Reply, trace: Option<&Trace>) -> Result<(), Failure> {
        let properties = self.properties(trace);
        self.outbox.add(Outgoing { properties, ..Outgoing::new(queue, reply.into_body()) })
    }

    fn properties(&self, trace: Option<&Trace>) -> Properties {
        let (message_id, trace) = (Some(self.ids.next()), trace.cloned().map(Box::new));
        Properties { message_id, trace, ..Properties::default() }
    }
}
