//! The thread of an author's handler. It outlives sessions, and a shutdown does not wait for it: a handler may block for as
//! long as it likes.

use std::io;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use crate::component::context::{Handled, Scope};
use crate::component::{Context, Schedule, handler};
use crate::failure::Failure;
use crate::ids::Ids;
use crate::message::{Message, Outgoing, Reply};
use crate::mov::log::{Entry, Severity};

/// What one call of the handler published.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) messages: Vec<Outgoing>,
    /// What to log when they are confirmed.
    pub(super) on_confirm: Vec<Entry>,
}

/// What is needed to call the handler.
#[derive(Clone)]
pub(super) struct HandlerCall {
    pub(super) schedule: Schedule,
    pub(super) scope: Arc<Scope>,
    pub(super) ids: Arc<Ids>,
}

/// The handler's thread. It ends when this is dropped and the handler has returned.
#[derive(Clone)]
pub(super) struct HandlerThread {
    calls: Sender<()>,
    pub(super) results: Receiver<Published>,
}

impl HandlerThread {
    pub(super) fn start(call: HandlerCall) -> io::Result<Self> {
        let (calls, requests) = crossbeam_channel::bounded(1);
        let (sender, results) = crossbeam_channel::bounded(1);
        let work = move || {
            for () in requests {
                if sender.send(call.call()).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("periodic".to_owned()).spawn(work)?;
        Ok(Self { calls, results })
    }

    /// Requests one call. Its result follows before the next request.
    pub(super) fn call(&self) {
        // The thread lives as long as `self`, and there is space: one call is requested at a time.
        let _ = self.calls.try_send(());
    }
}

impl HandlerCall {
    fn call(&self) -> Published {
        let context = Context::new(Arc::clone(&self.scope), Message::default());
        match handler::call(&self.schedule.handler, &context) {
            Ok(reply) => self.published(context.into_handled(), reply),
            Err(failure) => {
                self.report(&failure);
                Published::default()
            }
        }
    }

    fn published(&self, handled: Handled, reply: Option<Reply>) -> Published {
        let sent = handled.sent.into_iter().map(|sent| (sent.queue, sent.reply));
        let own = reply.map(|reply| (Arc::clone(self.schedule.channel.queue()), reply));
        let messages = sent.chain(own).map(|(queue, reply)| {
            let mut message = Outgoing::new(queue, reply.into_body());
            message.properties.message_id = Some(self.ids.next());
            message
        });
        Published { messages: messages.collect(), on_confirm: handled.on_confirm }
    }

    fn report(&self, failure: &Failure) {
        let severity = match failure {
            Failure::Retry(_) => Severity::Warn,
            Failure::Refuse(_) => Severity::Error,
        };
        let message = format!("Nothing is published on {}, because {failure}", self.schedule.channel.short());
        self.scope.log.add(Entry { severity, message, payload: None });
    }
}
