//! What a handler is given: its message, the log of the platform, and ways to publish more than a reply.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use serde::Serialize;

use super::scope::Scope;
use super::settings::OwnSettings;
use super::{Log, Mov, Output, RouteOutput};
use crate::failure::Failure;
use crate::logs;
use crate::message::{Message, Reply};
use crate::mov::log::Entry;
use crate::operations::live_settings::LiveSettings;
use crate::trace::Trace;

/// The context of one call of a handler.
///
/// ```
/// use serde_json::{Value, json};
/// use valawai::{Context, Failure, Id, Output, TestContext};
///
/// const ALERTS: Output = Output::new("data/alerts");
///
/// fn alert(temperature: Value, context: &Context) -> Result<(), Failure> {
///     if context.message().redelivered() {
///         context.log().warn("The message was delivered before", context.message());
///     }
///     context.send(ALERTS, &temperature)?;
///     context.mov().disable(&"65a0b1c2d3e4f5061728394a".parse::<Id>().unwrap());
///     context.log_on_confirm().info("Sent an alert, and disabled a connection", &temperature);
///     Ok(())
/// }
///
/// let context = TestContext::default();
/// alert(json!({ "celsius": 40 }), &context).unwrap();
/// assert_eq!(context.sent(), [("data/alerts", json!({ "celsius": 40 }))]);
/// assert_eq!(context.requested().len(), 1);
/// assert_eq!(context.logged_on_confirm().len(), 1);
/// ```
#[derive(Debug)]
pub struct Context {
    message: Message,
    scope: Arc<Scope>,
    sent: RefCell<Vec<Sent>>,
    routed: RefCell<Vec<Routed>>,
    on_confirm: RefCell<Vec<Entry>>,
    /// The trace that the handler began.
    begun: OnceCell<Box<Trace>>,
}

/// A message for a producer from configuration.
#[derive(Debug)]
pub struct Routed {
    /// The name of the producer.
    pub(crate) route: String,
    pub(crate) reply: Reply,
}

/// A message that a handler published in addition to its reply.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The short name of the channel, or the queue of the MOV.
    pub(super) to: &'static str,
    /// Its queue.
    pub(crate) queue: Arc<str>,
    pub(crate) reply: Reply,
}

/// What remains of a context when its handler has returned.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) message: Message,
    pub(crate) sent: Vec<Sent>,
    pub(crate) routed: Vec<Routed>,
    /// Log entries for the time when everything sent is confirmed.
    pub(crate) on_confirm: Vec<Entry>,
}

impl Context {
    pub(crate) fn new(scope: Arc<Scope>, message: Message) -> Self {
        Self {
            message,
            scope,
            sent: RefCell::default(),
            routed: RefCell::default(),
            on_confirm: RefCell::default(),
            begun: OnceCell::new(),
        }
    }

    /// The message that is handled. The context of a periodic publish has an empty one. See the example of [`Context`], as for
    /// the other methods.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// The trace in which the handler runs: that of its message, or one that it [began](Self::begin_trace). What it publishes
    /// belongs to the same trace. See the example of [`Trace`].
    #[must_use]
    pub fn trace(&self) -> Option<&Trace> {
        self.message.properties.trace.as_deref().or_else(|| self.begun.get().map(|begun| &**begun))
    }

    /// Begins a trace, unless the message belongs to one: what the handler publishes carries it. `is_sampled` asks those who take part
    /// to record it.
    ///
    /// ```
    /// let context = valawai::TestContext::default();
    /// assert!(context.trace().is_none());
    /// let id = context.begin_trace(true).trace_id();
    /// assert_eq!(context.trace().unwrap().trace_id(), id);
    /// ```
    pub fn begin_trace(&self, is_sampled: bool) -> &Trace {
        self.trace().unwrap_or_else(|| {
            let trace = self.begun.get_or_init(|| Box::new(Trace::begin(is_sampled)));
            logs::context::set_trace(trace);
            trace
        })
    }

    /// Writes to the log now.
    #[must_use]
    pub fn log(&self) -> Log<'_> {
        Log::new(&self.scope.log)
    }

    /// Writes to the log when the broker has confirmed all that is published for the message; not at all if it never does.
    #[must_use]
    pub fn log_on_confirm(&self) -> Log<'_> {
        Log::on_confirm(&self.scope.log, &self.on_confirm)
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
        self.add_sent(Sent { to: output.channel(), queue, reply: Reply::json(value)? });
        Ok(())
    }

    /// The settings of the component as they are now. See the example of [`Component::settings`](crate::Component::settings).
    ///
    /// # Panics
    /// If the component does not declare `S` with `Component::settings`. In tests of a handler,
    /// [`TestContext::with_settings`](crate::TestContext::with_settings) declares it.
    #[must_use]
    pub fn settings<S: Send + Sync + 'static>(&self) -> Arc<S> {
        self.scope.settings()
    }

    /// The producer `name` of the setting `QUEUE_CONFIG`, to send to it. Whether there is one is known when the handler runs:
    ///
    /// ```
    /// use serde_json::{Value, json};
    /// use valawai::{Context, Failure, TestContext};
    ///
    /// fn diagnose(symptom: Value, context: &Context) -> Result<(), Failure> {
    ///     context.route("audit").send(&json!({ "symptom": symptom }))
    /// }
    ///
    /// let context = TestContext::default();
    /// diagnose(json!("fever"), &context).unwrap();
    /// assert_eq!(context.routed(), [("audit".to_owned(), json!({ "symptom": "fever" }))]);
    /// ```
    #[must_use]
    pub fn route<'c>(&'c self, name: &'c str) -> RouteOutput<'c> {
        RouteOutput::new(self, name)
    }

    /// Requests of the Master Of VALAWAI to change the topology. They are published as what is [sent](Self::send) is.
    #[must_use]
    pub fn mov(&self) -> Mov<'_> {
        Mov::new(self)
    }

    pub(super) fn with_settings(self, settings: OwnSettings) -> Self {
        let scope = Scope { settings: Some(settings), ..Scope::clone(&self.scope) };
        Self { scope: Arc::new(scope), ..self }
    }

    pub(super) fn live_settings(&self) -> Option<&LiveSettings> {
        self.scope.live.as_ref()
    }

    pub(super) fn add_sent(&self, sent: Sent) {
        self.sent.borrow_mut().push(sent);
    }

    pub(super) fn add_routed(&self, route: &str, reply: Reply) {
        self.routed.borrow_mut().push(Routed { route: route.to_owned(), reply });
    }

    pub(super) fn with_routed<T>(&self, view: impl FnOnce(&[Routed]) -> T) -> T {
        view(&self.routed.borrow())
    }

    /// Whether there is a producer with this name. In tests of a handler, there are all.
    pub(super) fn has_route(&self, name: &str) -> bool {
        self.scope.outputs.is_none() || self.scope.outlets.contains(name)
    }

    /// The full name of the component; empty in tests of a handler.
    pub(super) fn component(&self) -> &str {
        &self.scope.component
    }

    pub(crate) fn into_handled(mut self) -> Handled {
        if let Some(begun) = self.begun.take() {
            self.message.properties.trace.get_or_insert(begun);
        }
        Handled {
            message: self.message,
            sent: self.sent.into_inner(),
            routed: self.routed.into_inner(),
            on_confirm: self.on_confirm.into_inner(),
        }
    }

    pub(super) fn with_sent<T>(&self, view: impl FnOnce(&[Sent]) -> T) -> T {
        view(&self.sent.borrow())
    }

    pub(super) fn entries_on_confirm(&self) -> Vec<Entry> {
        self.on_confirm.borrow().clone()
    }
}
