//! The fate of one delivery is decided here, and nowhere else.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use crate::chaos::{Chaos, Mischief};
use crate::component::{Action, Plan, Route};
use crate::context::Context;
use crate::exchange::{Heard, Said};
use crate::failure::Failure;
use crate::ids::Ids;
use crate::message::{Message, Outgoing, Properties};
use crate::mov::log::{Entry, MovLog, Severity};
use crate::name::{ChannelName, Kind};
use crate::payload::{self, Shape};
use crate::retry::{self, RetryQueue, dead_letter_queue};

/// RabbitMQ 4 throws a message of a quorum queue away after twenty deliveries in vain, which a full output or a broker that
/// fails again and again can cause. Long before that it is sent round.
const MOST_DELIVERIES: u32 = 10;

/// How long it is under way then.
const RENEWAL: Duration = Duration::from_secs(1);

/// What becomes of a message that was heard.
#[derive(Debug)]
pub enum Fate {
    /// It is acknowledged as soon as all of `said` is confirmed, which may be nothing; then `once_sent` is logged.
    Settle {
        /// To be published.
        said: Vec<Outgoing>,
        /// To be logged afterwards.
        once_sent: Vec<Entry>,
        /// What was heard, should the answer not be sayable.
        message: Message,
    },
    /// It waits in `queue` until it is tried again, and was tried `attempts` times.
    Retry {
        /// The body, which goes with it.
        body: Vec<u8>,
        /// Where it waits.
        queue: RetryQueue,
        /// How often it was tried in vain.
        attempts: u32,
    },
    /// Nobody will process it; it is kept for people to look at.
    Bury(Burial),
    /// It goes back to its queue, and is heard again after a pause.
    GiveBack,
}

/// What goes to the dead letters, and why.
#[derive(Debug)]
pub struct Burial {
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// The dead-letter queue.
    pub to: String,
    /// The queue that it was heard on.
    pub from: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it could not be processed.
    pub reason: String,
}

/// What a router does with messages that fail.
#[derive(Debug, Default)]
pub struct Options {
    /// How often and how late they are tried again.
    pub retry: retry::Options,
    /// `DEAD_LETTER`: whether those that nobody will process are kept. Defaults to yes.
    pub dead_letters: bool,
    /// Faults made on purpose.
    pub chaos: Chaos,
}

/// Knows what happens to the messages of each channel of a component.
pub struct Router {
    routes: Vec<Route>,
    says: Vec<ChannelName>,
    log: MovLog,
    ids: Ids,
    options: Options,
}

impl Router {
    /// A router for the channels of one kind of the component.
    #[must_use]
    pub fn new(plan: &Plan, kind: Kind, log: MovLog, options: Options) -> Self {
        Self { routes: plan.routes_of(kind), says: plan.says.clone(), log, ids: Ids::new(), options }
    }

    /// The queues to hear; the fate of a delivery is asked for by a queue's place among them.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &**route.channel.queue())
    }

    /// What is done with the messages of each queue, in the same order, as the log names it.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &*route.task)
    }

    /// Decides what becomes of `message`, heard on the queue at `place`.
    #[must_use]
    pub fn decide(&self, place: usize, message: Message) -> Fate {
        let route = &self.routes[place];
        let heard = Heard::new(route.channel.short(), message);
        if heard.properties().deliveries >= MOST_DELIVERIES {
            return renew(route, heard);
        }
        let context = Context::new(&self.says, &self.log);
        let answer = match self.options.chaos.strike(route.channel.queue()) {
            Mischief::None => handle(route, &heard, &context),
            Mischief::Fail => Err(Failure::retry("chaos made it fail")),
            Mischief::Nack => return Fate::GiveBack,
        };
        match answer {
            Ok(answer) => self.settle(route, heard, context, answer),
            Err(Failure::Retry(reason)) => self.retry(route, heard, &reason),
            Err(Failure::Refuse(reason)) => self.refuse(route, heard, reason),
        }
    }

    /// Decides what becomes of `message`, heard on the queue at `place`, when its answer cannot be said for `reason`.
    #[must_use]
    pub fn refuse_answer(&self, place: usize, message: Message, reason: String) -> Fate {
        let route = &self.routes[place];
        self.refuse(route, Heard::new(route.channel.short(), message), reason)
    }

    fn retry(&self, route: &Route, heard: Heard<'_>, reason: &str) -> Fate {
        let attempts = heard.properties().attempts.saturating_add(1);
        let Some(delay) = self.options.retry.delay(attempts) else {
            return self.refuse(
                route,
                heard,
                format!("it was tried {attempts} times in vain, at last because {reason}"),
            );
        };
        log::warn!("{} is tried again in {delay:?}, because {reason}", route.task);
        let queue = RetryQueue::of(&route.channel, delay);
        Fate::Retry { body: heard.into_message().body, queue, attempts }
    }

    fn refuse(&self, route: &Route, heard: Heard<'_>, reason: String) -> Fate {
        self.report(route, &heard, &reason);
        if !self.options.dead_letters {
            return Fate::Settle { said: Vec::new(), once_sent: Vec::new(), message: heard.into_message() };
        }
        Fate::Bury(Burial {
            to: dead_letter_queue(&route.channel),
            from: route.channel.queue().to_string(),
            attempts: heard.properties().attempts.saturating_add(1),
            body: heard.into_message().body,
            reason,
        })
    }

    fn settle(&self, route: &Route, heard: Heard<'_>, context: Context<'_>, answer: Option<Said>) -> Fate {
        let (further, once_sent) = context.into_parts();
        let mut said: Vec<Outgoing> =
            further.into_iter().map(|(channel, said)| self.outgoing(channel, &heard, said, true)).collect();
        if let (Some(answer), Action::Answer { to, .. }) = (answer, &route.action) {
            said.push(self.outgoing(to, &heard, answer, false));
        }
        Fate::Settle { said, once_sent, message: heard.into_message() }
    }

    /// The answer keeps the identifier of what it answers, so that a duplicate can be told from a new message; what is
    /// said beside it gets one of its own.
    fn outgoing(&self, to: &ChannelName, heard: &Heard<'_>, said: Said, own_id: bool) -> Outgoing {
        let mut properties = heard.properties().clone();
        if own_id || properties.message_id.is_none() {
            properties.message_id = Some(self.ids.next());
        }
        Outgoing { properties, ..Outgoing::new(Arc::clone(to.queue()), said.into_body()) }
    }

    /// Says once, where it helps, why a message was refused.
    fn report(&self, route: &Route, heard: &Heard<'_>, reason: &str) {
        let entry = match payload::shape(heard.body()) {
            Shape::NotJson(why) => {
                let message = format!("Cannot process {}, because it is not JSON ({why})", route.task);
                Entry::new(Severity::Error, message, &beginning(heard.body()))
            }
            Shape::OtherJson(_) | Shape::Object(_) => {
                let message = format!("Cannot process {}, because {reason}", route.task);
                Entry::new(Severity::Error, message, heard)
            }
        };
        self.log.add(entry);
    }
}

/// Sends the message round through a retry queue. It comes back as a new one, which the broker delivers as often again.
fn renew(route: &Route, heard: Heard<'_>) -> Fate {
    let Properties { deliveries, attempts, .. } = *heard.properties();
    log::warn!("{} was begun {deliveries} times and never finished; it is made a new message", route.task);
    Fate::Retry { body: heard.into_message().body, queue: RetryQueue::of(&route.channel, RENEWAL), attempts }
}

fn handle(route: &Route, heard: &Heard<'_>, context: &Context<'_>) -> Result<Option<Said>, Failure> {
    let call = || match &route.action {
        Action::Answer { handler, .. } => handler.answer(heard, context).map(Some),
        Action::Then(handler) => handler.hear(heard, context).map(|()| None),
    };
    // What a handler broke by panicking is dropped with its context; nothing else is shared with it.
    panic::catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|panic| Err(Failure::of_panic("the handler", panic.as_ref())))
}

/// Enough of a body to recognise it by, on one line.
fn beginning(body: &[u8]) -> String {
    const SHOWN: usize = 200;
    let start = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).escape_debug().to_string();
    if body.len() > SHOWN { format!("{start}… ({} bytes in all)", body.len()) } else { start }
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
