//! Decides the outcome of one delivery. Nothing else does.

use std::sync::Arc;
use std::time::Duration;

use crate::component::context::Handled;
use crate::component::handler;
use crate::component::input::Consumed as _;
use crate::component::scope::Scope;
use crate::component::state::StateHistory;
use crate::component::{Context, Route};
use crate::consumer::fault_injection::Fault;
use crate::consumer::outcome::{DeadLetter, Outcome};
use crate::consumer::request::Request;
use crate::consumer::retry::{self, RetryQueue, dead_letter_queue};
use crate::consumer::tuning::Tuning;
use crate::failure::Failure;
use crate::ids::Ids;
use crate::message::{Message, Outgoing, Properties, Reply};
use crate::mov::log::{Entry, Severity};
use crate::payload::{self, Shape};

/// RabbitMQ 4 drops a message of a quorum queue after twenty deliveries without an ack, which a full output queue or a broker
/// that fails repeatedly can cause. The message is republished long before.
const MAX_DELIVERIES: u32 = 10;

/// How long a republished message waits in its retry queue.
const REPUBLISH_DELAY: Duration = Duration::from_secs(1);

/// Routes the deliveries of a component's channels to their handlers.
pub struct Router {
    routes: Vec<Route>,
    scope: Arc<Scope>,
    ids: Ids,
    tuning: Arc<Tuning>,
}

impl Router {
    /// A router for `routes`, whose handlers use `scope`. `tuning` may change while it is used.
    #[must_use]
    pub fn new(routes: Vec<Route>, scope: Arc<Scope>, tuning: Arc<Tuning>) -> Self {
        Self { routes, scope, ids: Ids::new(), tuning }
    }

    /// What the handlers share.
    pub(super) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// An identifier for a message that has none.
    pub(super) fn new_id(&self) -> String {
        self.ids.next()
    }

    /// Where `message`, delivered from the queue at `index`, waits for as long as its `x-delay` wants.
    pub(super) fn delay(&self, index: usize, message: &Message) -> Option<RetryQueue> {
        let delay = message.properties.delay_ms?;
        let input = &self.routes[index].input;
        input.delays().then(|| RetryQueue::of(input, retry::rounded_up(delay)))
    }

    /// The routes, in the order of their queues.
    pub(super) fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// What may change while it is used.
    pub(super) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// The state of the handler, if it has one. Then there is no other handler.
    pub(super) fn state(&self) -> Option<&Arc<dyn StateHistory>> {
        self.routes.iter().find_map(|route| route.options.state.as_ref())
    }

    /// What the handler of each queue does, for the log, in the same order.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.task)
    }

    /// Decides the outcome of `message`, delivered from the queue at `index`.
    #[must_use]
    pub fn decide(&self, index: usize, message: Message) -> Outcome {
        let route = &self.routes[index];
        if message.properties.deliveries >= MAX_DELIVERIES {
            return republish(route, message);
        }
        let context = Context::new(Arc::clone(&self.scope), message);
        let result = match self.tuning.faults().inject(route.input.queue()) {
            Fault::None => handler::call(&route.handler, &context),
            Fault::Fail => Err(Failure::retry("of an injected fault")),
            Fault::Nack => return Outcome::Requeue,
        };
        let handled = context.into_handled();
        match result {
            Ok(reply) => self.publish(route, handled, reply),
            Err(Failure::Retry(reason)) => self.retry(route, handled.message, &reason),
            Err(Failure::Refuse(reason)) => self.refuse(route, handled.message, reason),
        }
    }

    /// Decides the outcome of `message`, delivered from the queue at `index`, when its reply cannot be published for `reason`.
    #[must_use]
    pub fn refuse_reply(&self, index: usize, message: Message, reason: String) -> Outcome {
        self.refuse(&self.routes[index], message, reason)
    }

    fn publish(&self, route: &Route, handled: Handled, reply: Option<Reply>) -> Outcome {
        let Handled { message, sent, routed, on_confirm } = handled;
        let mut messages = Vec::with_capacity(sent.len() + 1);
        for sent in sent {
            let mut outgoing = outgoing(sent.queue, &message, sent.reply);
            outgoing.properties.message_id = Some(self.ids.next());
            messages.push(outgoing);
        }
        if let Some(request) = Request::of(&message) {
            messages.push(request.reply(reply.as_ref()));
        }
        let reply = reply.zip(route.reply_to.as_ref());
        let has_reply = reply.is_some();
        if let Some((reply, channel)) = reply {
            let mut outgoing = outgoing(Arc::clone(channel.queue()), &message, reply);
            // The reply keeps the identifier of its message, so that duplicates can be recognised.
            outgoing.properties.message_id.get_or_insert_with(|| self.ids.next());
            messages.push(outgoing);
        }
        Outcome::Publish { messages, has_reply, routed, on_confirm, message }
    }

    fn retry(&self, route: &Route, message: Message, reason: &str) -> Outcome {
        let attempts = message.properties.attempts.saturating_add(1);
        let Some(delay) = self.tuning.delay(route.input.short(), attempts, route.options.retries) else {
            let reason = match attempts {
                1 => reason.to_owned(),
                _ => format!("{attempts} attempts failed, the last one because {reason}"),
            };
            return self.refuse(route, message, reason);
        };
        log::warn!("{} is retried in {delay:?}, because {reason}", route.task);
        let queue = RetryQueue::of(&route.input, delay);
        Outcome::Retry { body: message.body, queue, attempts, reason: reason.to_owned() }
    }

    fn refuse(&self, route: &Route, message: Message, reason: String) -> Outcome {
        self.report(route, &message, &reason);
        let answer = Request::of(&message).map(|request| Box::new(request.error(&message, &reason)));
        if !self.tuning.keeps_dead_letters() {
            return Outcome::Discard { body: message.body, reason, answer };
        }
        Outcome::DeadLetter(DeadLetter {
            to: dead_letter_queue(&route.input),
            from: route.input.queue().to_string(),
            attempts: message.properties.attempts.saturating_add(1),
            body: message.body,
            reason,
            answer,
        })
    }

    fn report(&self, route: &Route, message: &Message, reason: &str) {
        let entry = match payload::shape(&message.body) {
            Shape::NotJson(error) => {
                let text = format!("Cannot process {}, because it is not JSON ({error})", route.task);
                Entry::new(Severity::Error, text, &excerpt(&message.body))
            }
            Shape::OtherJson(_) | Shape::Object(_) => {
                let text = format!("Cannot process {}, because {reason}", route.task);
                Entry::new(Severity::Error, text, message)
            }
        };
        self.scope.log.add(entry);
    }
}

/// Sends the message through a retry queue. It returns as a new message, whose deliveries the broker counts from zero.
fn republish(route: &Route, message: Message) -> Outcome {
    let Properties { deliveries, attempts, .. } = message.properties;
    log::warn!("{}: delivered {deliveries} times without an ack; republishing it", route.task);
    let reason = format!("it was delivered {deliveries} times without an ack");
    Outcome::Retry { body: message.body, queue: RetryQueue::of(&route.input, REPUBLISH_DELAY), attempts, reason }
}

/// A message for `queue` that inherits the properties of `message`.
fn outgoing(queue: Arc<str>, message: &Message, reply: Reply) -> Outgoing {
    // Its receiver must not reply to the sender of the request.
    let properties = Properties { reply_to: None, ..message.properties.clone() };
    Outgoing { properties, ..Outgoing::new(queue, reply.into_body()) }
}

/// The beginning of a body, on one line.
fn excerpt(body: &[u8]) -> String {
    const LENGTH: usize = 200;
    let start = String::from_utf8_lossy(&body[..body.len().min(LENGTH)]).escape_debug().to_string();
    if body.len() > LENGTH { format!("{start}… ({} bytes in all)", body.len()) } else { start }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
