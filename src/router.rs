//! The fate of one delivery is decided here, and nowhere else.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::component::{Action, Plan, Route};
use crate::context::Context;
use crate::failure::Failure;
use crate::handler::{Heard, Said};
use crate::ids::Ids;
use crate::message::{Message, Outgoing};
use crate::mov::log::{Entry, MovLog, Severity};
use crate::name::{ChannelName, Kind};
use crate::payload::{self, Shape};

/// What becomes of a message that was heard.
#[derive(Debug)]
pub enum Fate {
    /// It is acknowledged as soon as all of `said` is confirmed, which may be nothing; then `once_sent` is logged.
    Settle {
        /// To be published.
        said: Vec<Outgoing>,
        /// To be logged afterwards.
        once_sent: Vec<Entry>,
    },
    /// It goes back to its queue, and is heard again after a pause.
    GiveBack,
}

/// Knows what happens to the messages of each channel of a component.
pub struct Router {
    routes: Vec<Route>,
    says: Vec<ChannelName>,
    log: MovLog,
    ids: Ids,
}

impl Router {
    /// A router for the channels of one kind of the component.
    #[must_use]
    pub fn new(plan: &Plan, kind: Kind, log: MovLog) -> Self {
        Self { routes: plan.routes_of(kind), says: plan.says.clone(), log, ids: Ids::new() }
    }

    /// The queues to hear; the fate of a delivery is asked for by a queue's place among them.
    pub fn queues(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().map(|route| &**route.channel.queue())
    }

    /// Decides what becomes of `message`, heard on the queue at `place`.
    #[must_use]
    pub fn decide(&self, place: usize, message: Message) -> Fate {
        let route = &self.routes[place];
        let heard = Heard::new(route.channel.short(), message);
        let context = Context::new(&self.says, &self.log);
        match handle(route, &heard, &context) {
            Ok(answer) => self.settle(route, &heard, context, answer),
            Err(Failure::Retry(reason)) => {
                log::warn!("{} is tried again later, because {reason}", route.task);
                Fate::GiveBack
            }
            Err(Failure::Refuse(reason)) => {
                self.report(route, &heard, &reason);
                Fate::Settle { said: Vec::new(), once_sent: Vec::new() }
            }
        }
    }

    fn settle(&self, route: &Route, heard: &Heard<'_>, context: Context<'_>, answer: Option<Said>) -> Fate {
        let (further, once_sent) = context.into_parts();
        let mut said: Vec<Outgoing> =
            further.into_iter().map(|(channel, said)| self.outgoing(channel, heard, said, true)).collect();
        if let (Some(answer), Action::Answer { to, .. }) = (answer, &route.action) {
            said.push(self.outgoing(to, heard, answer, false));
        }
        Fate::Settle { said, once_sent }
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
        match payload::shape(heard.body()) {
            Shape::NotJson(why) => {
                let (task, channel) = (&route.task, &route.channel);
                let start = beginning(heard.body());
                log::error!("Cannot process {task}, because what came on {channel} is not JSON ({why}): {start}");
            }
            Shape::OtherJson(_) | Shape::Object(_) => {
                let message = format!("Cannot process {}, because {reason}", route.task);
                self.log.add(Entry::new(Severity::Error, message, heard));
            }
        }
    }
}

fn handle(route: &Route, heard: &Heard<'_>, context: &Context<'_>) -> Result<Option<Said>, Failure> {
    let call = || match &route.action {
        Action::Answer { handler, .. } => handler.answer(heard, context).map(Some),
        Action::Then(handler) => handler.hear(heard, context).map(|()| None),
    };
    // What a handler broke by panicking is dropped with its context; nothing else is shared with it.
    panic::catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(Failure::Refuse(describe(panic.as_ref()))))
}

fn describe(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no more is known"))
}

/// Enough of a body to recognise it by, on one line.
fn beginning(body: &[u8]) -> String {
    const SHOWN: usize = 200;
    let start = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).escape_debug().to_string();
    if body.len() > SHOWN { format!("{start}… ({} bytes in all)", body.len()) } else { start }
}
