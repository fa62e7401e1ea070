//! The state of a handler, which can be rolled back: a change counts when everything that was published is confirmed.
//!
//! A copy for each message would cost too much with a thousand in flight. Copies are kept at intervals, and a rollback
//! goes to the newest one before the message; the messages behind it are delivered again.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::failure::Failure;
use crate::threads;

/// How a consumer controls the state of its handler, whatever its type. Messages are identified by their delivery tags.
pub(crate) trait StateHistory: Send + Sync {
    /// Makes the calling thread the only one that may use the state, and rolls back what its last owner did not confirm:
    /// those messages are delivered again.
    fn take_over(&self);

    /// Keeps a copy of the state as it is now, before the message `tag`.
    fn keep(&self, tag: u64);

    /// The message before which the newest copy was kept.
    fn newest(&self) -> Option<u64>;

    /// Rolls back to the newest copy before the message `tag` or an earlier one, and returns that message.
    fn roll_back(&self, tag: u64) -> u64;

    /// Records that all messages before `tag` are confirmed. Returns the first message to which a rollback can still go.
    fn confirm_before(&self, tag: u64) -> u64;

    /// Records that all messages are confirmed.
    fn confirm_all(&self);

    /// How often a handler was called with the state.
    fn calls(&self) -> u64;
}

/// A state and its copies.
pub(super) struct HandlerState<S> {
    versions: Mutex<Versions<S>>,
}

struct Versions<S> {
    current: S,
    /// In the order of their messages, which are not confirmed.
    copies: VecDeque<(u64, S)>,
    calls: u64,
    /// `None` in tests of a handler, which call it from any thread.
    owner: Option<u64>,
}

impl<S> HandlerState<S> {
    pub(super) fn new(initial: S) -> Self {
        Self { versions: Mutex::new(Versions { current: initial, copies: VecDeque::new(), calls: 0, owner: None }) }
    }

    /// Calls `handler` with the state. Fails on a thread of an earlier session, whose message is delivered again.
    pub(super) fn with<T>(&self, handler: impl FnOnce(&mut S) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut versions = self.versions.lock();
        if versions.owner.is_some_and(|owner| owner != threads::current()) {
            return Err(Failure::retry("the session of this message is over"));
        }
        versions.calls += 1;
        handler(&mut versions.current)
    }
}

impl<S: Clone + Send> StateHistory for HandlerState<S> {
    fn take_over(&self) {
        let mut versions = self.versions.lock();
        if let Some((_, state)) = versions.copies.pop_front() {
            versions.current = state;
            versions.copies.clear();
        }
        versions.owner = Some(threads::current());
    }

    fn keep(&self, tag: u64) {
        let mut versions = self.versions.lock();
        let copy = versions.current.clone();
        versions.copies.push_back((tag, copy));
    }

    fn newest(&self) -> Option<u64> {
        self.versions.lock().copies.back().map(|(tag, _)| *tag)
    }

    fn roll_back(&self, tag: u64) -> u64 {
        let mut versions = self.versions.lock();
        while versions.copies.len() > 1 && versions.copies.back().is_some_and(|(kept, _)| *kept > tag) {
            versions.copies.pop_back();
        }
        let Some((kept, state)) = versions.copies.pop_back() else { return tag };
        // It stays as a copy, because the message may be in flight for longer: on its way to the dead letters, say.
        versions.copies.push_back((kept, state.clone()));
        versions.current = state;
        kept
    }

    fn confirm_before(&self, tag: u64) -> u64 {
        let mut versions = self.versions.lock();
        while versions.copies.get(1).is_some_and(|(kept, _)| *kept <= tag) {
            versions.copies.pop_front();
        }
        versions.copies.front().map_or(tag, |(kept, _)| (*kept).min(tag))
    }

    fn confirm_all(&self) {
        self.versions.lock().copies.clear();
    }

    fn calls(&self) -> u64 {
        self.versions.lock().calls
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A state to which the number of each message in `tags` was added, with a copy before each of `kept`.
    fn sum_of(tags: impl IntoIterator<Item = u64>, kept: &[u64]) -> HandlerState<u64> {
        let state = HandlerState::new(0);
        for tag in tags {
            if kept.contains(&tag) {
                state.keep(tag);
            }
            add(&state, tag).unwrap();
        }
        state
    }

    fn add(state: &HandlerState<u64>, number: u64) -> Result<u64, Failure> {
        state.with(|sum| {
            *sum += number;
            Ok(*sum)
        })
    }

    #[test]
    fn a_rollback_goes_to_the_newest_copy_before_the_message() {
        let state = sum_of(1..=6, &[1, 3, 5]);
        assert_eq!(state.roll_back(4), 3);
        assert_eq!(add(&state, 0), Ok(1 + 2), "the state is not the one before message 3");
    }

    #[test]
    fn a_rollback_can_go_to_the_same_message_twice() {
        let state = sum_of([1], &[1]);
        assert_eq!(state.roll_back(1), 1);
        add(&state, 10).unwrap();
        assert_eq!(state.roll_back(1), 1);
        assert_eq!(add(&state, 0), Ok(0));
    }

    #[test]
    fn what_is_confirmed_is_not_rolled_back() {
        let state = sum_of(1..=6, &[1, 3, 5]);
        assert_eq!(state.confirm_before(4), 3, "a rollback could go back behind message 3");
        assert_eq!(state.roll_back(4), 3);
        state.confirm_all();
        add(&state, 100).unwrap();
        state.take_over();
        assert_eq!(add(&state, 0), Ok(1 + 2 + 100));
    }

    #[test]
    fn a_new_session_begins_with_what_the_last_one_confirmed() {
        let state = sum_of(1..=6, &[1, 3, 5]);
        state.confirm_before(5);
        state.take_over();
        assert_eq!(add(&state, 0), Ok(1 + 2 + 3 + 4));
    }

    #[test]
    fn a_thread_of_an_earlier_session_cannot_change_the_state() {
        let state = sum_of([1], &[1]);
        thread::scope(|scope| scope.spawn(|| state.take_over()).join().unwrap());
        assert!(matches!(add(&state, 1), Err(Failure::Retry(_))), "the state has two owners");
    }
}
