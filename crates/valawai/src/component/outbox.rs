//! The messages of one source or outlet, from when it publishes them until the broker has confirmed them.
//!
//! A source runs on a thread of its own and outlives sessions. It adds messages here, and waits while there is no space;
//! the current session takes them from here, and puts them back if it ends before they are confirmed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::ticket::Ticket;
use crate::failure::Failure;
use crate::message::Outgoing;
use crate::sequence_window::SequenceWindow;

/// How many messages may be unconfirmed.
const MAX_MESSAGES: usize = 1024;

/// How many bytes of messages may be unconfirmed. A larger message is published by itself.
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Signals the source that something was confirmed, or that the outbox was closed.
    changed: Condvar,
    added: (Sender<()>, Receiver<()>),
}

/// Messages are identified by their numbers, from 1 in the order in which they were added.
#[derive(Debug, Default)]
struct State {
    /// `None` is one that is confirmed.
    messages: SequenceWindow<Option<Entry>>,
    count: usize,
    bytes: usize,
    /// The number of the next message to publish for the first time in this session.
    next: u64,
    /// The messages that the broker rejected, to publish again.
    rejected: BTreeSet<u64>,
    /// The current session. What an earlier one reports about its messages is ignored.
    session: u64,
    /// Why a message could not be published; it is reported to the source.
    failure: Option<Failure>,
    is_closed: bool,
}

#[derive(Debug)]
struct Entry {
    message: Arc<Outgoing>,
    /// Of the delivery for which it is published.
    ticket: Option<Ticket>,
}

impl Default for Outbox {
    fn default() -> Self {
        let added = crossbeam_channel::bounded(1);
        Self { state: Mutex::default(), changed: Condvar::new(), added }
    }
}

/// What the source does.
impl Outbox {
    /// Adds `message` when there is space for it.
    ///
    /// # Errors
    /// If the component stops.
    pub(super) fn add(&self, message: Outgoing) -> Result<(), Failure> {
        let mut state = self.state.lock();
        while !state.is_closed && !state.has_space(message.body.len()) {
            self.changed.wait(&mut state);
        }
        if state.is_closed {
            return Err(stopped());
        }
        state.add(message, None);
        drop(state);
        self.signal_added();
        Ok(())
    }

    /// Waits until all messages are confirmed.
    ///
    /// # Errors
    /// If one of them could not be published, or the component stops before.
    pub(super) fn flush(&self) -> Result<(), Failure> {
        let mut state = self.state.lock();
        while !state.is_closed && state.count > 0 {
            self.changed.wait(&mut state);
        }
        match state.failure.take() {
            Some(failure) => Err(failure),
            None if state.count > 0 => Err(stopped()),
            None => Ok(()),
        }
    }
}

/// What consumers do.
impl Outbox {
    /// Whether there is space. Each consumer adds the messages of one delivery at most after it looked.
    pub(crate) fn has_space(&self) -> bool {
        self.state.lock().has_space(0)
    }

    /// Adds `message`, whose ticket is answered when it is confirmed.
    pub(crate) fn push(&self, message: Outgoing, ticket: Option<Ticket>) {
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return answer(ticket, false);
        }
        state.add(message, ticket);
        drop(state);
        self.signal_added();
    }

    /// Closes the outbox and removes its messages: their deliveries are delivered again. Returns how many there were.
    pub(crate) fn abandon(&self) -> usize {
        let mut state = self.state.lock();
        state.is_closed = true;
        let count = state.count;
        let (first, last) = (state.messages.first(), state.messages.last());
        let tickets: Vec<_> = (first..=last).map(|number| state.remove(number)).collect();
        drop(state);
        for ticket in tickets {
            answer(ticket, false);
        }
        count
    }
}

/// What a session does.
impl Outbox {
    /// Begins a session, which publishes everything that is not confirmed. Returns its number.
    pub(crate) fn begin_session(&self) -> u64 {
        let mut state = self.state.lock();
        state.session += 1;
        state.next = state.messages.first();
        state.rejected.clear();
        state.session
    }

    /// The next message to publish, and its number.
    pub(crate) fn next(&self, session: u64) -> Option<(u64, Arc<Outgoing>)> {
        let mut state = self.in_session(session)?;
        loop {
            let number = match state.rejected.pop_first() {
                Some(number) => number,
                None if !state.messages.is_empty() && state.next <= state.messages.last() => {
                    state.next += 1;
                    state.next - 1
                }
                None => return None,
            };
            if let Some(Some(entry)) = state.messages.get_mut(number) {
                return Some((number, Arc::clone(&entry.message)));
            }
        }
    }

    /// Removes a message, because it is confirmed.
    pub(crate) fn confirmed(&self, number: u64) {
        let ticket = self.state.lock().remove(number);
        self.changed.notify_all();
        answer(ticket, true);
    }

    /// Removes a message that cannot be published.
    pub(crate) fn failed(&self, number: u64, failure: Failure) {
        let mut state = self.state.lock();
        state.failure.get_or_insert(failure);
        let ticket = state.remove(number);
        drop(state);
        self.changed.notify_all();
        answer(ticket, true);
    }

    /// Puts a message back that the broker rejected.
    pub(crate) fn rejected(&self, session: u64, number: u64) {
        if let Some(mut state) = self.in_session(session) {
            state.rejected.insert(number);
        }
    }

    /// The number of messages that are not confirmed.
    pub(crate) fn count(&self) -> usize {
        self.state.lock().count
    }

    /// The number of the oldest message that is not confirmed.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.count > 0).then(|| state.messages.first())
    }

    /// Signals that a message was added.
    pub(crate) fn added(&self) -> &Receiver<()> {
        &self.added.1
    }

    /// Accepts no more messages, because the component stops. Returns false if it was closed already.
    pub(crate) fn close(&self) -> bool {
        let was_open = !std::mem::replace(&mut self.state.lock().is_closed, true);
        self.changed.notify_all();
        was_open
    }

    fn signal_added(&self) {
        // If there is a signal already, the session has not received it yet.
        let _ = self.added.0.try_send(());
    }

    fn in_session(&self, session: u64) -> Option<MutexGuard<'_, State>> {
        let state = self.state.lock();
        (state.session == session).then_some(state)
    }
}

impl State {
    fn has_space(&self, bytes: usize) -> bool {
        self.count == 0 || (self.count < MAX_MESSAGES && self.bytes + bytes <= MAX_BYTES)
    }

    fn add(&mut self, message: Outgoing, ticket: Option<Ticket>) {
        self.count += 1;
        self.bytes += message.body.len();
        self.messages.set(self.messages.last() + 1, Some(Entry { message: Arc::new(message), ticket }));
    }

    fn remove(&mut self, number: u64) -> Option<Ticket> {
        let Entry { message, ticket } = self.messages.get_mut(number).and_then(Option::take)?;
        self.count -= 1;
        self.bytes -= message.body.len();
        self.messages.pop_while(|_, message| message.is_none());
        self.next = self.next.max(self.messages.first());
        ticket
    }
}

fn answer(ticket: Option<Ticket>, accepted: bool) {
    if let Some(ticket) = ticket {
        ticket.answer(accepted);
    }
}

fn stopped() -> Failure {
    Failure::retry("the component stops")
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
