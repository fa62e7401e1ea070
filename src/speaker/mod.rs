//! Says what a component says of itself, at its own pace.
//!
//! The author's function runs on a thread of its own (`author`). What it made is published here, message by message, and the
//! function is not asked again before the broker has confirmed all of it: an outage piles up nothing.

mod author;
#[cfg(test)]
mod tests;
mod unsaid;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use self::author::{Asked, Author, Made};
use self::unsaid::Unsaid;
use crate::broker::backoff::Backoff;
use crate::broker::{Error, Event, Link, Stop};
use crate::component::Source;
use crate::message::Outgoing;
use crate::mov::log::{Entry, MovLog, Severity};
use crate::name::ChannelName;
use crate::vitals::{Counted, Vitals};
use crate::worker::Outages;

/// The pauses after the broker refused a message.
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// A wait ends after so long at the latest, to look around.
const TICK: Duration = Duration::from_secs(1);

/// A message that the broker does not take for so long calls for a session anew.
const PATIENCE: Duration = Duration::from_secs(60);

/// One source of messages; clones share all that goes on from one session to the next.
#[derive(Clone)]
pub(crate) struct Speaker {
    author: Author,
    vitals: Arc<Vitals>,
    patience: Duration,
    state: Arc<Mutex<State>>,
}

/// What goes on from one session to the next.
struct State {
    asked: Option<Asked>,
    /// Whether the function was asked, and what it made was not taken yet.
    is_asked: bool,
    /// When the function is to be asked again.
    due: Instant,
    unsaid: Unsaid,
    outages: Outages,
}

impl Speaker {
    pub(crate) fn new(source: Source, says: Arc<[ChannelName]>, log: MovLog, vitals: Arc<Vitals>) -> Self {
        let state = State {
            asked: None,
            is_asked: false,
            due: Instant::now(),
            unsaid: Unsaid::default(),
            outages: Outages::default(),
        };
        let author = Author { source, says, log, ids: Arc::default() };
        Self { author, vitals, patience: PATIENCE, state: Arc::new(Mutex::new(state)) }
    }

    /// Speaks until `stop`, and then until what was made before is confirmed.
    ///
    /// # Errors
    /// When the session is over. What the broker has not confirmed is said again in the next one.
    pub(crate) fn run(&self, link: &mut dyn Link, stop: &Stop) -> Result<(), Error> {
        let asked = self.asked()?;
        while self.say_what_is_left(link, stop)? {
            if !self.state().is_asked {
                let due = self.state().due;
                if is_called_before(stop, due) {
                    break;
                }
                self.ask(&asked);
            }
            select! {
                recv(asked.made) -> made => self.take(made.unwrap_or_default()),
                recv(stop) -> _ => match asked.made.try_recv() {
                    Ok(made) => self.take(made),
                    Err(_) => break,
                },
                // Another session may have taken it, while it ended.
                default(TICK) => drop(link.poll(false)?),
            }
        }
        Ok(())
    }

    /// Says what is lost when the component stops now.
    pub(crate) fn report_what_is_lost(&self) {
        let (state, channel) = (self.state(), self.author.source.channel.short());
        if state.is_asked {
            log::warn!("the source of {channel} is still running; its next message is not sent");
        }
        if state.unsaid.count() > 0 {
            let count = state.unsaid.count();
            log::warn!("{count} messages for {channel} were not confirmed in time; they may be lost");
        }
    }

    /// The thread of the function, which is started once.
    fn asked(&self) -> Result<Asked, Error> {
        let mut state = self.state();
        if let Some(asked) = &state.asked {
            return Ok(asked.clone());
        }
        let asked = self.author.clone().start().map_err(Error::lost)?;
        Ok(state.asked.insert(asked).clone())
    }

    fn ask(&self, asked: &Asked) {
        let mut state = self.state();
        state.is_asked = true;
        state.due = Instant::now() + self.author.source.period;
        asked.ask();
    }

    fn take(&self, made: Made) {
        let mut state = self.state();
        state.is_asked = false;
        state.unsaid.add(made);
    }

    /// Publishes what is not confirmed yet, one message after the other; `false` when it was called to stop and the broker
    /// does not take them.
    fn say_what_is_left(&self, link: &mut dyn Link, stop: &Stop) -> Result<bool, Error> {
        let mut rest = Backoff::new(FIRST_REST, LONGEST_REST);
        let mut wait = Wait::new(self);
        loop {
            let Some(message) = self.state().unsaid.first() else { break };
            if let Err(error) = link.accepts(message.body.len()) {
                let Error::TooLarge { .. } = error else { return Err(error) };
                self.report_too_large(&message, &error);
                self.state().unsaid.remove(&message);
                continue;
            }
            let sequence = link.publish(&message)?;
            if self.is_accepted(link, sequence, &message, &mut wait)? {
                self.state().unsaid.remove(&message);
                wait = Wait::new(self);
                rest.reset();
                continue;
            }
            wait.is_refused()?;
            if is_called_before(stop, Instant::now() + rest.pause()) {
                return Ok(false);
            }
        }
        let once_sent = self.state().unsaid.take_once_sent();
        for entry in once_sent {
            self.author.log.add(entry);
        }
        Ok(true)
    }

    fn is_accepted(
        &self,
        link: &mut dyn Link,
        sequence: u64,
        message: &Outgoing,
        wait: &mut Wait<'_>,
    ) -> Result<bool, Error> {
        let mut is_returned = false;
        loop {
            match link.poll(false)? {
                Some(Event::Returned(_)) => is_returned = true,
                Some(Event::Confirm(confirm)) if confirm.sequence >= sequence => {
                    if is_returned {
                        // Nobody consumes it, or the node of its queue is away and it is to be published again.
                        return self.state().outages.add(&message.to, link, Instant::now());
                    }
                    if confirm.accepted {
                        self.state().outages.end(&message.to);
                    }
                    return Ok(confirm.accepted);
                }
                Some(_) => {}
                None => {
                    wait.goes_on(link.is_blocked())?;
                    link.wait(false, None, TICK.min(self.patience));
                }
            }
        }
    }

    /// The broker would close the channel because of it, again and again.
    fn report_too_large(&self, message: &Outgoing, error: &Error) {
        let message = format!("A message for {} is dropped, because {error}", message.to);
        self.author.log.add(Entry { severity: Severity::Error, message, payload: None });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the broker has not taken the message whose turn it is.
struct Wait<'s> {
    speaker: &'s Speaker,
    since: Instant,
    /// Counts as refused: the component is not healthy for long.
    counted: Option<Counted<'s>>,
    is_told: bool,
}

impl<'s> Wait<'s> {
    fn new(speaker: &'s Speaker) -> Self {
        Self { speaker, since: Instant::now(), counted: None, is_told: false }
    }

    /// The broker refused it.
    fn is_refused(&mut self) -> Result<(), Error> {
        if !self.is_told {
            let channel = self.speaker.author.source.channel.short();
            log::warn!("the broker refuses what is said on {channel}, as a full queue does; it is said again later");
            self.is_told = true;
        }
        self.counted.get_or_insert_with(|| self.speaker.vitals.refused());
        self.has_an_end()
    }

    /// Nothing came.
    fn goes_on(&mut self, is_blocked: bool) -> Result<(), Error> {
        if is_blocked {
            // An alarm: everybody waits, and knows it.
            self.since = Instant::now();
        } else if self.since.elapsed() > TICK {
            self.counted.get_or_insert_with(|| self.speaker.vitals.refused());
        }
        self.has_an_end()
    }

    fn has_an_end(&self) -> Result<(), Error> {
        if self.since.elapsed() > self.speaker.patience {
            return Err(Error::Anew { reason: "the broker does not take what a source says" });
        }
        Ok(())
    }
}

/// Waits until `instant`, or until it is time to stop.
fn is_called_before(stop: &Stop, instant: Instant) -> bool {
    stop.recv_deadline(instant) == Err(crossbeam_channel::RecvTimeoutError::Disconnected)
}
