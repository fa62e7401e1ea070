//! The fate of one delivery is decided here, and nowhere else.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use crate::component::{Action, Plan, Route};
use crate::context::Context;
use crate::exchange::{Heard, Said};
use crate::failure::Failure;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::Component;
    use crate::message::Properties;
    use crate::mov;
    use crate::mov::identity::Identity;
    use crate::mov::log::Writer;

    const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/heard: { subscribe: {} }
  valawai/c1/echo/data/said: { publish: {} }
  valawai/c1/echo/data/further: { publish: {} }
";

    fn router(handler: fn(&Heard<'_>, &Context<'_>) -> Result<Said, Failure>) -> (Router, Writer) {
        let component =
            Component::new("1.0.0", CONTRACT).on("data/heard").answer("data/said", handler).says("data/further");
        let (log, writer) = mov::log::open(log::LevelFilter::Info, Identity::default());
        (Router::new(&component.check().unwrap(), Kind::Data, log), writer)
    }

    fn message(body: &[u8], message_id: Option<&str>) -> Message {
        let properties = Properties {
            message_id: message_id.map(Into::into),
            correlation_id: Some("question".into()),
            conversation_id: Some("talk".into()),
        };
        Message { body: body.into(), properties }
    }

    fn said(fate: Fate) -> Vec<Outgoing> {
        match fate {
            Fate::Settle { said, .. } => said,
            Fate::GiveBack => panic!("the message was given back"),
        }
    }

    #[test]
    fn an_answer_carries_what_its_question_came_with() {
        let (router, _) = router(|heard, _| Said::json(heard));
        let said = said(router.decide(0, message(b"{}", Some("m-1"))));
        assert_eq!(said.len(), 1);
        assert_eq!(&*said[0].to, "valawai/c1/echo/data/said");
        assert_eq!(said[0].properties, message(b"", Some("m-1")).properties);
        assert!(said[0].persistent && said[0].mandatory);
    }

    #[test]
    fn an_answer_to_a_message_without_an_identifier_gets_one_and_each_its_own() {
        let (router, _) = router(|heard, _| Said::json(heard));
        let mut ids =
            (0..3).map(|_| said(router.decide(0, message(b"{}", None)))[0].properties.message_id.clone().unwrap());
        let (first, second, third) = (ids.next(), ids.next(), ids.next());
        assert!(first != second && second != third && first != third);
    }

    #[test]
    fn what_is_said_beside_the_answer_goes_out_first_under_an_identifier_of_its_own() {
        let (router, _) = router(|heard, context| {
            context.send("data/further", &serde_json::json!({"more": true}))?;
            Said::json(heard)
        });
        let said = said(router.decide(0, message(b"{}", Some("m-1"))));
        let to: Vec<&str> = said.iter().map(|message| &*message.to).collect();
        assert_eq!(to, ["valawai/c1/echo/data/further", "valawai/c1/echo/data/said"]);
        assert_ne!(said[0].properties.message_id, said[1].properties.message_id);
    }

    #[test]
    fn a_handler_that_may_do_better_later_gets_the_message_again() {
        let (router, _) = router(|_, _| Err(Failure::retry("not now")));
        assert!(matches!(router.decide(0, message(b"{}", None)), Fate::GiveBack));
    }

    #[test]
    fn a_refused_object_is_one_error_at_the_mov_with_what_came() {
        let (router, writer) = router(|_, _| Err(Failure::refuse("it is blue")));
        assert!(said(router.decide(0, message(b"{\"a\": 1}", None))).is_empty());
        let entries = writer.take_all();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].severity, Severity::Error);
        assert_eq!(entries[0].message, "Cannot process heard, because it is blue");
        assert_eq!(entries[0].payload.as_deref(), Some("{\"a\": 1}"));
    }

    #[test]
    fn json_that_is_no_object_is_one_error_at_the_mov_and_what_is_not_json_is_none() {
        let (router, writer) =
            router(|heard, _| heard.read::<serde_json::Value>().and_then(|value| Said::json(&value)));
        assert!(said(router.decide(0, message(b"[1, 2]", None))).is_empty());
        assert_eq!(writer.take_all()[0].payload.as_deref(), Some("[1, 2]"));
        assert!(said(router.decide(0, message(b"{\"a\": NaN}", None))).is_empty());
        assert!(writer.take_all().is_empty(), "what is not JSON has no place in a log of JSON");
    }

    #[test]
    fn a_handler_that_panics_costs_its_message_and_nothing_else() {
        let (router, writer) = router(|_, _| panic!("oh no"));
        assert!(said(router.decide(0, message(b"{}", None))).is_empty());
        assert!(writer.take_all()[0].message.ends_with("the handler panicked: oh no"));
    }

    #[test]
    fn the_beginning_of_a_body_is_short_and_on_one_line() {
        assert_eq!(beginning(b"a\nb\x1b[31m"), "a\\nb\\u{1b}[31m");
        let long = beginning(&vec![b'x'; 16 * 1024 * 1024]);
        assert!(long.len() < 300 && long.ends_with("(16777216 bytes in all)"), "{long}");
    }
}
