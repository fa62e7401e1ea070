//! The queues of the broker inside the process.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::OnPublish;
use crate::message::Message;

#[derive(Default)]
pub(super) struct State {
    pub(super) queues: HashMap<String, Queue>,
    /// Wakes the links that wait for a change: one sender for each link.
    pub(super) wakers: Vec<Sender<()>>,
    /// The number of sessions opened so far.
    pub(super) sessions: u64,
    pub(super) ended_sessions: HashSet<u64>,
    /// Queues that cannot be declared.
    pub(super) forbidden: HashSet<String>,
    /// The maximum size of a message body.
    pub(super) max_size: Option<usize>,
}

#[derive(Default)]
pub(super) struct Queue {
    /// By position, which is the order of publishing: a requeued message returns to its old position.
    pub(super) ready: BTreeMap<u64, Message>,
    /// The number of messages published to it so far.
    published: u64,
    /// The time to live of its messages, and the queue to which they move then.
    pub(super) delay: Option<(Duration, String)>,
    published_at: BTreeMap<u64, Instant>,
    pub(super) newest_only: bool,
    /// The number of messages that are delivered and not settled.
    pub(super) delivered: usize,
    pub(super) consumers: u32,
    pub(super) is_exclusive: bool,
    pub(super) on_publish: OnPublish,
}

/// A delivery, and the position in its queue to which it can return.
pub(super) struct Unsettled {
    pub(super) queue: String,
    pub(super) position: u64,
    pub(super) message: Message,
}

impl Queue {
    pub(super) fn add(&mut self, mut message: Message) {
        message.properties.redelivered = false;
        self.published += 1;
        self.ready.insert(self.published, message);
        self.published_at.insert(self.published, Instant::now());
        while self.newest_only && self.ready.len() > 1 {
            self.ready.pop_first();
        }
    }

    /// Removes the messages whose delay has passed, with the queue to which they move.
    fn take_delayed(&mut self) -> Vec<(String, Message)> {
        let Some((delay, to)) = self.delay.clone() else { return Vec::new() };
        let published_at = &self.published_at;
        let is_due = |position: &u64| published_at.get(position).is_some_and(|at| at.elapsed() >= delay);
        self.ready.extract_if(.., |position, _| is_due(position)).map(|(_, message)| (to.clone(), message)).collect()
    }
}

impl State {
    pub(super) fn on_publish(&self, queue: &str) -> OnPublish {
        self.queues.get(queue).map_or(OnPublish::Confirm, |queue| queue.on_publish)
    }

    /// Moves the messages whose delay has passed.
    pub(super) fn move_delayed(&mut self) {
        let due: Vec<(String, Message)> = self.queues.values_mut().flat_map(Queue::take_delayed).collect();
        for (to, message) in due {
            if let Some(queue) = self.queues.get_mut(&to) {
                queue.add(message);
            }
        }
    }

    pub(super) fn requeue(&mut self, unsettled: Unsettled) {
        if let Some(queue) = self.queues.get_mut(&unsettled.queue) {
            let mut message = unsettled.message;
            message.properties.redelivered = true;
            queue.delivered -= 1;
            queue.ready.insert(unsettled.position, message);
        }
        self.wake_links();
    }

    /// A message of `queue` was acknowledged.
    pub(super) fn forget(&mut self, queue: &str) {
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.delivered -= 1;
        }
    }

    pub(super) fn wake_links(&mut self) {
        self.wakers.retain(|waker| !matches!(waker.try_send(()), Err(TrySendError::Disconnected(()))));
    }
}
