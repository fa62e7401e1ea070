//! The broker: what RabbitMQ does with queues, channels and connections, as far as a component can notice.

mod channel;
mod connection;
mod crash;
mod queue;
mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use self::channel::{Channel, Unacknowledged};
pub(crate) use self::connection::{Connection, Frame, OwnedOptions, Reply, Request, Response, truncate};
pub(crate) use self::queue::{Kind, Queue, Stored};
use crate::agenda::Event;
use crate::world::{Micros, World};

pub(crate) type LinkId = usize;
pub(crate) type ConnectionId = usize;

/// How long an ack may be lost with a broker that is killed: it writes them to the disk now and then.
const ACK_AT_RISK: Micros = 200_000;

/// The broker.
#[derive(Default)]
pub(crate) struct Broker {
    pub(crate) is_up: bool,
    /// It accepts no messages, as in a memory alarm.
    pub(crate) is_blocked: bool,
    pub(crate) blocked_since: Micros,
    /// It does not answer, and its connections stay open.
    pub(crate) frozen_until: Micros,
    /// Confirms are kept back, as by a quorum queue without a majority.
    pub(crate) withholds_confirms: bool,
    pub(crate) queues: BTreeMap<Arc<str>, Queue>,
    /// By link.
    pub(crate) channels: Vec<Channel>,
    pub(crate) connections: Vec<Connection>,
    /// Acks that a kill may undo.
    pub(crate) recent_acks: Vec<(Micros, Arc<str>, u64, Stored)>,
}

impl World {
    /// The queue called `name`, which is created if it does not exist.
    pub(crate) fn queue(&mut self, name: &str) -> &mut Queue {
        if !self.broker.queues.contains_key(name) {
            let kind = self.kind_of(name);
            let now = self.now;
            self.broker.queues.insert(name.into(), Queue::new(kind, now));
        }
        self.broker.queues.get_mut(name).expect("it was just created")
    }

    fn kind_of(&self, name: &str) -> Kind {
        match name {
            _ if name == self.names.input => Kind::Input,
            _ if name == self.names.output => Kind::Output,
            _ if name.contains("/retry/") => Kind::Retry,
            _ if name.contains("/dead_letter/") => Kind::DeadLetters,
            _ => Kind::Other,
        }
    }

    /// Adds a message to a queue that exists, and delivers it. Returns its position.
    pub(crate) fn add_to_queue(&mut self, name: &Arc<str>, stored: Stored) -> u64 {
        let now = self.now;
        let input = stored.input;
        let Some(queue) = self.broker.queues.get_mut(name) else { return 0 };
        let kind = queue.kind;
        queue.last_used = now;
        let (position, dropped) = queue.add(stored);
        let delay = queue.delay.as_ref().map(|(delay, _)| *delay);
        for dropped in dropped {
            self.note_removed(kind, &dropped);
        }
        self.note_added(kind, input);
        if let Some(delay) = delay {
            let event = Event::Expire(Arc::clone(name));
            self.at(now + delay, event);
        }
        self.dispatch(name);
        position
    }

    /// Moves the messages whose delay has passed.
    pub(crate) fn expire(&mut self, name: &Arc<str>) {
        let now = self.now;
        if !self.broker.is_up {
            return;
        }
        let Some(queue) = self.broker.queues.get_mut(name) else { return };
        let Some((delay, to)) = queue.delay.clone() else { return };
        let kind = queue.kind;
        let mut due = Vec::new();
        while let Some((_, stored)) = queue.ready.pop_first_if(|stored| stored.added + delay <= now) {
            due.push(stored);
        }
        for mut stored in due {
            self.note_removed(kind, &stored);
            if self.broker.queues.contains_key(&to) {
                (stored.added, stored.is_confirmed) = (now, true);
                stored.message.properties.redelivered = false;
                self.add_to_queue(&to, stored);
            } else {
                self.check_copies(stored.input, "its delay has passed, and its queue does not exist");
            }
        }
    }

    /// Delivers what a queue has to those of its consumers that can take more.
    pub(crate) fn dispatch(&mut self, name: &Arc<str>) {
        self.wake_mov(name);
        loop {
            let Broker { queues, channels, is_up, .. } = &mut self.broker;
            let Some(queue) = queues.get_mut(name).filter(|queue| *is_up && !queue.is_node_down) else { return };
            if queue.ready.is_empty() {
                return;
            }
            let count = queue.consumers.len();
            let can_take = |(link, consumer): &(LinkId, usize)| channels[*link].can_take(*consumer);
            let offset = (0..count).find(|offset| can_take(&queue.consumers[(queue.next_consumer + offset) % count]));
            let Some(offset) = offset else { return };
            let index = (queue.next_consumer + offset) % count;
            queue.next_consumer = index + 1;
            let (link, consumer) = queue.consumers[index];
            let (position, mut stored) = queue.ready.pop_first().expect("there is one");
            stored.is_confirmed = true;
            let message = stored.message.clone();
            let tag = channels[link]
                .deliver(consumer, Unacknowledged { queue: Arc::clone(name), position, stored, consumer });
            self.send_to_client(link, Reply::Deliver { tag, consumer, message });
        }
    }

    /// Returns a delivered message to its place in its queue.
    pub(crate) fn requeue(&mut self, name: &Arc<str>, position: u64, stored: Stored) {
        self.put_back(name, position, stored);
        self.dispatch(name);
    }

    fn put_back(&mut self, name: &Arc<str>, position: u64, mut stored: Stored) {
        stored.message.properties.redelivered = true;
        let Some(queue) = self.broker.queues.get_mut(name) else { return };
        let kind = queue.kind;
        for dropped in queue.put_back(position, stored) {
            self.note_removed(kind, &dropped);
        }
        let event = queue_expiry(self.now, self.broker.queues.get(name));
        if let Some(at) = event {
            self.at(at, Event::Expire(Arc::clone(name)));
        }
    }

    /// A message leaves its queue for good, because it was acknowledged.
    fn forget(&mut self, name: Arc<str>, position: u64, stored: Stored) {
        let kind = self.broker.queues.get(&name).map_or(Kind::Other, |queue| queue.kind);
        self.note_removed(kind, &stored);
        self.check_copies(stored.input, "it was acknowledged");
        let now = self.now;
        if stored.input.is_some() && stored.is_persistent {
            self.broker.recent_acks.retain(|(at, ..)| at + ACK_AT_RISK > now);
            self.broker.recent_acks.push((now, name, position, stored));
        }
    }
}

/// When the head of a queue with a delay is due.
fn queue_expiry(now: Micros, queue: Option<&Queue>) -> Option<Micros> {
    let queue = queue?;
    let (delay, _) = queue.delay.as_ref()?;
    let head = queue.ready.first()?;
    Some((head.added + delay).max(now))
}
