//! Says what a component says of itself, at its own pace.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::broker::backoff::Backoff;
use crate::broker::{Error, Event, Link, Stop};
use crate::component::Source;
use crate::context::Context;
use crate::ids::Ids;
use crate::message::Outgoing;
use crate::mov::log::MovLog;
use crate::name::ChannelName;

/// The pauses after the broker refused a message.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// One source of messages; clones share what is still to be said, from one session to the next.
#[derive(Clone)]
pub(crate) struct Speaker {
    source: Source,
    says: Arc<[ChannelName]>,
    log: MovLog,
    ids: Arc<Ids>,
    unsaid: Arc<Mutex<Vec<Outgoing>>>,
}

impl Speaker {
    pub(crate) fn new(source: Source, says: Arc<[ChannelName]>, log: MovLog) -> Self {
        Self { source, says, log, ids: Arc::default(), unsaid: Arc::default() }
    }

    /// Speaks until `stop`.
    ///
    /// # Errors
    /// When the session is over. What the broker has not confirmed is said again in the next one.
    pub(crate) fn run(&self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        let mut next = Instant::now();
        loop {
            self.say_what_is_left(link, stop)?;
            if is_called_before(stop, next) {
                return Ok(());
            }
            next = Instant::now() + self.source.period;
            self.prepare();
        }
    }

    /// Asks the source, and keeps what is to be said.
    fn prepare(&self) {
        let context = Context::new(&self.says, &self.log);
        match self.source.handler.say(&context) {
            Ok(said) => {
                let (further, once_sent) = context.into_parts();
                let own = said.map(|said| (&self.source.channel, said));
                let made = further.into_iter().chain(own).map(|(channel, said)| {
                    let mut message = Outgoing::new(Arc::clone(channel.queue()), said.into_body());
                    message.properties.message_id = Some(self.ids.next());
                    message
                });
                self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).extend(made);
                for entry in once_sent {
                    self.log.add(entry);
                }
            }
            Err(failure) => log::warn!("nothing is said on {}, because {failure}", self.source.channel),
        }
    }

    fn say_what_is_left(&self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        let mut rest = Backoff::new(FIRST_REST, LONGEST_REST);
        loop {
            let Some(message) = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).first().cloned() else {
                return Ok(());
            };
            let sequence = link.publish(&message)?;
            if is_accepted(link, sequence)? {
                self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).remove(0);
            } else if is_called_before(stop, Instant::now() + rest.pause()) {
                return Ok(());
            }
        }
    }
}

/// Waits until `instant`, or until it is time to stop.
fn is_called_before(stop: &Stop, instant: Instant) -> bool {
    stop.recv_deadline(instant) == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
}

fn is_accepted(link: &mut dyn Link, sequence: u64) -> Result<bool, Error> {
    loop {
        match link.poll(false)? {
            Some(Event::Confirm(confirm)) if confirm.sequence >= sequence => return Ok(confirm.accepted),
            Some(_) => {}
            None => link.wait(false, None, Duration::from_secs(1)),
        }
    }
}
