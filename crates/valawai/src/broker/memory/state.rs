//! The queues of the broker inside the process.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, TrySendError};

use super::OnPublish;
use crate::broker::Error;
use crate::message::Message;

#[derive(Default)]
pub(super) struct State {
    pub(super) queues: HashMap<String, Queue>,
    pub(super) exchanges: HashSet<String>,
    /// Wakes the links that wait for a change: one sender for each link.
    pub(super) wakers: Vec<Sender<()>>,
    /// The number of sessions opened so far.
    pub(super) sessions: u64,
    pub(super) ended_sessions: HashSet<u64>,
    /// The links of the open sessions, by number.
    pub(super) links: HashMap<u64, LinkState>,
    /// The number of links opened so far.
    links_opened: u64,
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

/// What a link consumes. The broker has it, because it ends with the session, whatever the thread of the link does.
pub(super) struct LinkState {
    session: u64,
    pub(super) consumers: Vec<Consumer>,
    /// The consumer to poll next.
    pub(super) next: usize,
    /// Its deliveries that are not settled, by tag.
    pub(super) unsettled: BTreeMap<u64, Unsettled>,
    /// The number of deliveries so far.
    pub(super) delivered: u64,
}

pub(super) struct Consumer {
    pub(super) queue: String,
    pub(super) prefetch: usize,
    pub(super) is_exclusive: bool,
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
    /// Opens a link of a session, and returns its number.
    pub(super) fn open_link(&mut self, session: u64) -> u64 {
        self.links_opened += 1;
        if !self.ended_sessions.contains(&session) {
            let (consumers, unsettled) = (Vec::new(), BTreeMap::new());
            self.links.insert(self.links_opened, LinkState { session, consumers, next: 0, unsettled, delivered: 0 });
        }
        self.links_opened
    }

    /// The queues, and a link, if its session is not over.
    pub(super) fn link(&mut self, number: u64) -> Result<(&mut HashMap<String, Queue>, &mut LinkState), Error> {
        let link = self.links.get_mut(&number).ok_or_else(|| Error::lost("the session is over"))?;
        Ok((&mut self.queues, link))
    }

    /// Ends a session, and returns whether it was open.
    pub(super) fn end_session(&mut self, session: u64) -> bool {
        let links: Vec<u64> =
            self.links.iter().filter(|(_, link)| link.session == session).map(|(number, _)| *number).collect();
        for number in links {
            self.end_link(number);
        }
        let was_open = self.ended_sessions.insert(session);
        self.wake_links();
        was_open
    }

    /// Ends a link: its consumers are cancelled, and what it has not settled is requeued.
    pub(super) fn end_link(&mut self, number: u64) {
        let Some(LinkState { consumers, unsettled, .. }) = self.links.remove(&number) else { return };
        self.cancel(consumers);
        for unsettled in unsettled.into_values() {
            self.requeue(unsettled);
        }
    }

    pub(super) fn cancel(&mut self, consumers: Vec<Consumer>) {
        for consumer in consumers {
            if let Some(queue) = self.queues.get_mut(&consumer.queue) {
                queue.consumers -= 1;
                queue.is_exclusive &= !consumer.is_exclusive;
            }
        }
    }

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
