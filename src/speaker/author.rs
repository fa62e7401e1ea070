//! The thread that the author's function of a source runs on. It may take as long as it likes: the thread outlives sessions,
//! and at a stop nobody waits for it.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use crate::component::Source;
use crate::context::Context;
use crate::exchange::Said;
use crate::failure::Failure;
use crate::ids::Ids;
use crate::message::Outgoing;
use crate::mov::log::{Entry, MovLog, Severity};
use crate::name::ChannelName;

/// What the function made of one tick.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) messages: Vec<Outgoing>,
    /// To be logged when all of them are confirmed.
    pub(super) once_sent: Vec<Entry>,
}

/// What the function needs to be called.
#[derive(Clone)]
pub(super) struct Author {
    pub(super) source: Source,
    pub(super) says: Arc<[ChannelName]>,
    pub(super) log: MovLog,
    pub(super) ids: Arc<Ids>,
}

/// The other side of the thread. It ends when this is dropped and the function has returned.
#[derive(Clone)]
pub(super) struct Asked {
    ask: Sender<()>,
    pub(super) made: Receiver<Made>,
}

impl Asked {
    /// Asks for one more tick.
    pub(super) fn ask(&self) {
        // The thread lives as long as this does, and there is room: it is asked again when it has answered.
        let _ = self.ask.try_send(());
    }
}

impl Author {
    pub(super) fn start(self) -> io::Result<Asked> {
        let (ask, asked) = crossbeam_channel::bounded(1);
        let (done, made) = crossbeam_channel::bounded(1);
        let work = move || {
            for () in asked {
                if done.send(self.call()).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("source".to_owned()).spawn(work)?;
        Ok(Asked { ask, made })
    }

    fn call(&self) -> Made {
        let context = Context::new(&self.says, &self.log);
        // What the function broke by panicking is its own affair; nothing but the context is shared with it.
        let said = panic::catch_unwind(AssertUnwindSafe(|| self.source.handler.say(&context)))
            .unwrap_or_else(|panic| Err(Failure::of_panic("the source", panic.as_ref())));
        match said {
            Ok(said) => self.made(context, said),
            Err(failure) => {
                self.report(&failure);
                Made::default()
            }
        }
    }

    fn made(&self, context: Context<'_>, said: Option<Said>) -> Made {
        let (further, once_sent) = context.into_parts();
        let own = said.map(|said| (&self.source.channel, said));
        let messages = further.into_iter().chain(own).map(|(channel, said)| {
            let mut message = Outgoing::new(Arc::clone(channel.queue()), said.into_body());
            message.properties.message_id = Some(self.ids.next());
            message
        });
        Made { messages: messages.collect(), once_sent }
    }

    fn report(&self, failure: &Failure) {
        let severity = match failure {
            Failure::Retry(_) => Severity::Warn,
            Failure::Refuse(_) => Severity::Error,
        };
        let message = format!("Nothing is said on {}, because {failure}", self.source.channel.short());
        self.log.add(Entry { severity, message, payload: None });
    }
}
