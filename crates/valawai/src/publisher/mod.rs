//! Publishes what a component publishes by itself, at its own pace.
//!
//! The author's handler runs on a thread of its own. Its messages are published here, one after another, and it is not
//! called again before the broker has confirmed all of them: nothing accumulates in an outage.

mod handler_thread;
mod pending;
#[cfg(test)]
mod tests;
mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::select;
use parking_lot::Mutex;

use self::handler_thread::{HandlerCall, HandlerThread, Published};
use self::pending::Pending;
use self::wait::Wait;
use crate::broker::backoff::Backoff;
use crate::broker::{Error, Event, Link};
use crate::component::Schedule;
use crate::component::context::Scope;
use crate::consumer::Unroutable;
use crate::health::status::ConsumerStatus;
use crate::message::Outgoing;
use crate::mov::log::{Entry, Severity};
use crate::shutdown::Shutdown;

/// The pauses after the broker rejected a message.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often a wait is interrupted to look around.
const TICK: Duration = Duration::from_secs(1);

/// How long the broker may fail to accept a message before the session is reopened.
const CONFIRM_LIMIT: Duration = Duration::from_secs(60);

/// Publishes on one channel periodically. Clones share their state, which outlives sessions.
#[derive(Clone)]
pub(crate) struct PeriodicPublisher {
    handler: HandlerCall,
    status: Arc<ConsumerStatus>,
    confirm_limit: Duration,
    state: Arc<Mutex<State>>,
}

/// What outlives sessions.
struct State {
    /// Started by the first session.
    thread: Option<HandlerThread>,
    /// Whether the handler was called and its result was not taken.
    is_called: bool,
    /// When the handler is to be called again.
    due: Instant,
    pending: Pending,
    unroutable: Unroutable,
}

impl PeriodicPublisher {
    pub(crate) fn new(schedule: Schedule, scope: Arc<Scope>, status: Arc<ConsumerStatus>) -> Self {
        let state = State {
            thread: None,
            is_called: false,
            due: Instant::now(),
            pending: Pending::default(),
            unroutable: Unroutable::default(),
        };
        let handler = HandlerCall { schedule, scope, ids: Arc::default() };
        Self { handler, status, confirm_limit: CONFIRM_LIMIT, state: Arc::new(Mutex::new(state)) }
    }

    /// Publishes until the shutdown, and then until all pending messages are confirmed.
    ///
    /// # Errors
    /// If the session is over. What the broker has not confirmed is published again in the next one.
    pub(crate) fn run(&self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<(), Error> {
        let thread = self.thread()?;
        while self.publish_pending(link, shutdown)? {
            if !self.state.lock().is_called {
                let due = self.state.lock().due;
                if shutdown.wait_until(due) {
                    break;
                }
                self.call(&thread);
            }
            select! {
                recv(thread.results) -> published => self.take(published.unwrap_or_default()),
                recv(shutdown.requested()) -> _ => match thread.results.try_recv() {
                    Ok(published) => self.take(published),
                    Err(_) => break,
                },
                // The link of an earlier session may take the result while it ends, so this does not wait for it alone.
                default(TICK) => drop(link.poll(false)?),
            }
        }
        Ok(())
    }

    /// Reports what is lost if the component stops now.
    pub(crate) fn report_lost(&self) {
        let (state, channel) = (self.state.lock(), self.handler.schedule.channel.short());
        if state.is_called {
            log::warn!("the handler of {channel} is still running; its next message is not published");
        }
        if state.pending.count() > 0 {
            let count = state.pending.count();
            log::warn!("{count} messages for {channel} were not confirmed in time; they may be lost");
        }
    }

    fn thread(&self) -> Result<HandlerThread, Error> {
        let mut state = self.state.lock();
        if let Some(thread) = &state.thread {
            return Ok(thread.clone());
        }
        let thread = HandlerThread::start(self.handler.clone()).map_err(Error::lost)?;
        Ok(state.thread.insert(thread).clone())
    }

    fn call(&self, thread: &HandlerThread) {
        let mut state = self.state.lock();
        state.is_called = true;
        state.due = Instant::now() + self.handler.schedule.period;
        thread.call();
    }

    fn take(&self, published: Published) {
        let mut state = self.state.lock();
        state.is_called = false;
        state.pending.add(published);
    }

    /// Publishes the pending messages, one after another. Returns false if the shutdown was requested and the broker rejects
    /// them.
    fn publish_pending(&self, link: &mut dyn Link, shutdown: &Shutdown) -> Result<bool, Error> {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut wait = Wait::new(self);
        loop {
            let Some(message) = self.state.lock().pending.first() else { break };
            if let Err(error) = link.check_size(message.body.len()) {
                let Error::TooLarge { .. } = error else { return Err(error) };
                self.report_too_large(&message, &error);
                self.state.lock().pending.remove(&message);
                continue;
            }
            let sequence = link.publish(&message)?;
            if self.is_accepted(link, sequence, &message, &mut wait)? {
                self.state.lock().pending.remove(&message);
                wait = Wait::new(self);
                backoff.reset();
                continue;
            }
            wait.rejected()?;
            if shutdown.wait_for(backoff.pause()) {
                return Ok(false);
            }
        }
        let on_confirm = self.state.lock().pending.take_on_confirm();
        for entry in on_confirm {
            self.handler.scope.log.add(entry);
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
                        // Nobody consumes it; or the node of its queue is down, and it is published again.
                        return self.state.lock().unroutable.add(&message.to, link, Instant::now());
                    }
                    if confirm.accepted {
                        self.state.lock().unroutable.remove(&message.to);
                    }
                    return Ok(confirm.accepted);
                }
                Some(_) => {}
                None => {
                    wait.unanswered(link.is_blocked())?;
                    link.wait(false, None, TICK.min(self.confirm_limit));
                }
            }
        }
    }

    /// The broker closes the channel on which such a message is published.
    fn report_too_large(&self, message: &Outgoing, error: &Error) {
        let message = format!("A message for {} is dropped, because {error}", message.to);
        self.handler.scope.log.add(Entry { severity: Severity::Error, message, payload: None });
    }
}
