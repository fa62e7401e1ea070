//! The source queues from which the MOV forwards messages, and how a reconnect breaks them.
//!
//! After an outage of the broker, the client restores its consumers, and forwarding continues. But the MOV can no longer cancel
//! such a consumer, because the channel that it knows is closed; and when it opens the queue again, it uses the same consumer
//! tag, and the broker closes the connection. From then on none of the queues has a consumer, and the MOV does not notice.
//! The real MOV fails like this in four of five runs, the simulator always.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct SourceQueues(BTreeMap<String, SourceQueue>);

#[derive(Debug, PartialEq, Eq)]
enum SourceQueue {
    Open,
    /// It was open when the connection was lost, and the client has restored its consumer.
    Recovered,
    /// It has no consumer, although the MOV assumes one; with the reason.
    Dead(String),
}

/// Why a connection is enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EnableReason {
    /// It is the first connection between its two channels.
    FirstConnection,
    /// One of its components has registered again: there is or was another connection between the same channels.
    RepeatedRegistration,
}

/// Why the last enabled connection of a queue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseReason {
    Disabled,
    Removed,
}

/// What has to change at the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConsumerChange {
    None,
    Consume,
    Cancel,
    /// The connection has failed: all consumers end.
    CancelAll,
}

impl SourceQueues {
    pub(crate) fn open(&mut self, queue: &str, reason: EnableReason) -> ConsumerChange {
        match self.0.get(queue) {
            None => {
                self.0.insert(queue.to_owned(), SourceQueue::Open);
                ConsumerChange::Consume
            }
            Some(SourceQueue::Recovered) if reason == EnableReason::RepeatedRegistration => {
                self.fail_all(&format!("{queue} was opened again"))
            }
            Some(_) => ConsumerChange::None,
        }
    }

    pub(crate) fn close(&mut self, queue: &str, reason: CloseReason) -> ConsumerChange {
        match self.0.get(queue) {
            None => ConsumerChange::None,
            Some(SourceQueue::Recovered) => self.fail_all(&format!("{queue} was closed")),
            Some(SourceQueue::Dead(_)) if reason == CloseReason::Removed => ConsumerChange::None,
            Some(SourceQueue::Dead(_) | SourceQueue::Open) => {
                self.0.remove(queue);
                ConsumerChange::Cancel
            }
        }
    }

    /// Marks the open queues as recovered after a reconnect, and returns them.
    pub(crate) fn recover(&mut self) -> Vec<String> {
        let mut recovered = Vec::new();
        for (queue, state) in &mut self.0 {
            if !matches!(state, SourceQueue::Dead(_)) {
                *state = SourceQueue::Recovered;
                recovered.push(queue.clone());
            }
        }
        recovered
    }

    /// The dead queues, each with the reason.
    pub(crate) fn dead(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(queue, state)| match state {
            SourceQueue::Dead(reason) => Some((queue.as_str(), reason.as_str())),
            SourceQueue::Open | SourceQueue::Recovered => None,
        })
    }

    fn fail_all(&mut self, event: &str) -> ConsumerChange {
        let reason = format!("530 NOT_ALLOWED - attempt to reuse consumer tag: {event} after a reconnect");
        for state in self.0.values_mut().filter(|state| !matches!(state, SourceQueue::Dead(_))) {
            *state = SourceQueue::Dead(reason.clone());
        }
        ConsumerChange::CancelAll
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(queues: &[&str]) -> SourceQueues {
        let mut source_queues = SourceQueues::default();
        for queue in queues {
            assert_eq!(source_queues.open(queue, EnableReason::FirstConnection), ConsumerChange::Consume);
        }
        source_queues
    }

    #[test]
    fn a_queue_without_an_outage_opens_and_closes() {
        let mut queues = opened(&["a"]);
        assert_eq!(queues.open("a", EnableReason::RepeatedRegistration), ConsumerChange::None);
        assert_eq!(queues.close("a", CloseReason::Removed), ConsumerChange::Cancel);
        assert_eq!(queues.close("a", CloseReason::Removed), ConsumerChange::None);
    }

    #[test]
    fn after_a_reconnect_a_repeated_registration_kills_all_queues() {
        let mut queues = opened(&["a", "b"]);
        assert_eq!(queues.recover(), ["a", "b"]);
        assert_eq!(queues.open("a", EnableReason::FirstConnection), ConsumerChange::None);
        assert_eq!(queues.open("a", EnableReason::RepeatedRegistration), ConsumerChange::CancelAll);
        assert_eq!(queues.dead().map(|(queue, _)| queue).collect::<Vec<_>>(), ["a", "b"]);
        assert!(queues.recover().is_empty(), "a dead queue was restored");
    }

    #[test]
    fn only_disabling_revives_a_dead_queue() {
        let mut queues = opened(&["a", "b"]);
        queues.recover();
        assert_eq!(queues.close("b", CloseReason::Removed), ConsumerChange::CancelAll);
        assert_eq!(queues.close("a", CloseReason::Removed), ConsumerChange::None);
        assert_eq!(queues.open("a", EnableReason::RepeatedRegistration), ConsumerChange::None);
        assert_eq!(queues.close("a", CloseReason::Disabled), ConsumerChange::Cancel);
        assert_eq!(queues.open("a", EnableReason::RepeatedRegistration), ConsumerChange::Consume);
    }
}
