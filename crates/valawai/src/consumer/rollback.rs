//! Handlers with a state: keeps the state in step with what the broker confirms.
//!
//! What a handler publishes depends on the changes that earlier messages made. So if one message fails or its reply is
//! rejected, the state is rolled back, and that message and all behind it are delivered again, in their order. A message
//! is acknowledged when no rollback can go behind it any more.

use std::sync::Arc;

use super::consumer_loop::ConsumerLoop;
use crate::broker::Error;
use crate::component::state::StateHistory;

/// How many copies of the state are kept for the messages in flight, about.
const COPIES: u64 = 8;

/// The state of the handler of a consumer.
pub(super) struct TrackedState {
    history: Arc<dyn StateHistory>,
    /// The number of calls of the handler before the current message.
    calls_before: u64,
    /// How many messages are still handled one at a time.
    ///
    /// A handler that fails after it changed the state takes the messages before it along, back to the last copy. One at
    /// a time, each message has a copy of its own.
    one_at_a_time: u64,
}

impl TrackedState {
    /// Takes over the state from the last session.
    pub(super) fn take_over(history: &Arc<dyn StateHistory>) -> Self {
        history.take_over();
        Self { history: Arc::clone(history), calls_before: history.calls(), one_at_a_time: 0 }
    }

    /// Prepares for the message `tag`, while about `in_flight` messages are not acknowledged.
    fn prepare(&mut self, tag: u64, in_flight: u64) {
        let interval = (in_flight / COPIES).max(1);
        if self.history.newest().is_none_or(|newest| tag - newest >= interval) {
            self.history.keep(tag);
        }
        self.calls_before = self.history.calls();
        self.one_at_a_time = self.one_at_a_time.saturating_sub(1);
    }

    fn was_called(&self) -> bool {
        self.history.calls() != self.calls_before
    }
}

impl ConsumerLoop<'_> {
    /// Prepares the state for the handler of the message `tag`.
    pub(super) fn prepare_state(&mut self, tag: u64) {
        if let Some(state) = &mut self.state {
            state.prepare(tag, self.in_flight.count());
        }
    }

    /// Undoes the changes of the message `tag`, which failed. Returns false if earlier messages were rolled back with it; then
    /// they are delivered again, and so is this one.
    pub(super) fn undo(&mut self, tag: u64) -> Result<bool, Error> {
        let Some(state) = self.state.as_mut().filter(|state| state.was_called()) else { return Ok(true) };
        let first = state.history.roll_back(tag);
        if first == tag {
            return Ok(true);
        }
        let returned = self.redeliver_from(first)?;
        if let Some(state) = &mut self.state {
            state.one_at_a_time = returned;
        }
        Ok(false)
    }

    /// Rolls the state back to before the message `tag` if there is a state, and returns whether there is. All messages that
    /// are affected are delivered again.
    pub(super) fn roll_back(&mut self, tag: u64) -> Result<bool, Error> {
        let Some(state) = &self.state else { return Ok(false) };
        let first = state.history.roll_back(tag);
        self.redeliver_from(first)?;
        Ok(true)
    }

    /// The messages below this one may be acknowledged when they are settled: no rollback can reach them.
    pub(super) fn end_of_committed(&self) -> u64 {
        let Some(state) = &self.state else { return u64::MAX };
        if let Some(tag) = self.in_flight.first_open() {
            return state.history.confirm_before(tag);
        }
        state.history.confirm_all();
        u64::MAX
    }

    /// Whether the state allows to handle another message now.
    pub(super) fn may_handle_more(&self) -> bool {
        self.state.as_ref().is_none_or(|state| state.one_at_a_time == 0 || self.in_flight.first_open().is_none())
    }

    /// Returns all messages from `first` on to their queue, and those that were delivered behind them, so that they come
    /// again in their order. Returns the number of the former.
    fn redeliver_from(&mut self, first: u64) -> Result<u64, Error> {
        self.pause();
        for tag in self.link.cancel()? {
            self.in_flight.requeue(tag);
        }
        let returned = self.in_flight.unacknowledged_from(first);
        for &tag in &returned {
            self.in_flight.requeue(tag);
            self.consumer.options.operations.metrics.count_requeued();
            self.link.requeue(tag)?;
        }
        if !self.is_draining {
            self.consume_subscribed()?;
        }
        Ok(returned.len() as u64)
    }
}
