//! What the broker knows of a link: what it consumes, what it has not settled, and what is not confirmed to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use valawai::internals::broker::Confirm;

use super::{LinkId, Reply, Stored};
use crate::agenda::Event;
use crate::world::World;

/// The broker's side of a link.
#[derive(Default)]
pub(crate) struct Channel {
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) unacknowledged: BTreeMap<u64, Unacknowledged>,
    last_tag: u64,
    /// Publishes that are not confirmed: where each is stored, and whether it is accepted.
    pub(crate) unconfirmed: BTreeMap<u64, Unconfirmed>,
    pub(crate) is_confirm_planned: bool,
    /// It confirms nothing any more.
    pub(crate) is_mute: bool,
    /// What a browse has got, and not removed.
    pub(crate) browsed: Vec<(Arc<str>, u64, Stored)>,
    pub(crate) is_closed: bool,
}

pub(crate) struct Consumer {
    pub(crate) queue: Arc<str>,
    prefetch: usize,
    pub(crate) is_exclusive: bool,
    pub(crate) is_active: bool,
    in_flight: usize,
}

/// A delivery that is not settled.
pub(crate) struct Unacknowledged {
    pub(crate) queue: Arc<str>,
    pub(crate) position: u64,
    pub(crate) stored: Stored,
    pub(crate) consumer: usize,
}

#[derive(Debug)]
pub(crate) struct Unconfirmed {
    pub(crate) stored_at: Option<(Arc<str>, u64)>,
    pub(crate) is_accepted: bool,
}

impl Channel {
    pub(super) fn add_consumer(&mut self, queue: Arc<str>, prefetch: u16, is_exclusive: bool) -> usize {
        let prefetch = usize::from(prefetch);
        self.consumers.push(Consumer { queue, prefetch, is_exclusive, is_active: true, in_flight: 0 });
        self.consumers.len() - 1
    }

    pub(super) fn can_take(&self, consumer: usize) -> bool {
        let consumer = &self.consumers[consumer];
        consumer.is_active && (consumer.prefetch == 0 || consumer.in_flight < consumer.prefetch)
    }

    pub(super) fn deliver(&mut self, consumer: usize, unacknowledged: Unacknowledged) -> u64 {
        self.last_tag += 1;
        self.consumers[consumer].in_flight += 1;
        self.unacknowledged.insert(self.last_tag, unacknowledged);
        self.last_tag
    }

    fn settle(&mut self, tag: u64) -> Option<Unacknowledged> {
        let settled = self.unacknowledged.remove(&tag)?;
        self.consumers[settled.consumer].in_flight -= 1;
        Some(settled)
    }
}

impl World {
    /// The client acknowledged a delivery, or all up to it.
    pub(super) fn acknowledge(&mut self, link: LinkId, tag: u64, is_multiple: bool) {
        let channel = &mut self.broker.channels[link];
        if !channel.unacknowledged.contains_key(&tag) {
            return self.violated("known tags", format!("delivery {tag} was settled, which is not in flight"));
        }
        let mut tags = vec![tag];
        if is_multiple {
            tags = channel.unacknowledged.range(..=tag).map(|(tag, _)| *tag).collect();
        }
        for tag in tags {
            if let Some(settled) = self.broker.channels[link].settle(tag) {
                let name = Arc::clone(&settled.queue);
                self.forget(settled.queue, settled.position, settled.stored);
                self.dispatch(&name);
            }
        }
    }

    /// The client returned a delivery.
    pub(super) fn reject(&mut self, link: LinkId, tag: u64) {
        match self.broker.channels[link].settle(tag) {
            Some(settled) => self.requeue(&settled.queue, settled.position, settled.stored),
            None => self.violated("known tags", format!("delivery {tag} was requeued, which is not in flight")),
        }
    }

    /// The channel of a link is closed: what it has not settled returns to its queues.
    pub(crate) fn close_channel(&mut self, link: LinkId) {
        let channel = &mut self.broker.channels[link];
        if std::mem::replace(&mut channel.is_closed, true) {
            return;
        }
        let consumers = std::mem::take(&mut channel.consumers);
        let unacknowledged = std::mem::take(&mut channel.unacknowledged);
        let browsed = std::mem::take(&mut channel.browsed);
        for (index, consumer) in consumers.iter().enumerate() {
            self.remove_consumer(link, index, &consumer.queue, consumer.is_exclusive);
        }
        // All return before one of them is delivered again.
        let unacknowledged = unacknowledged.into_values().map(|it| (it.queue, it.position, it.stored));
        let returned: Vec<(Arc<str>, u64, Stored)> = unacknowledged.chain(browsed).collect();
        let queues: BTreeSet<Arc<str>> = returned.iter().map(|(queue, ..)| Arc::clone(queue)).collect();
        for (queue, position, stored) in returned {
            self.put_back(&queue, position, stored);
        }
        for queue in &queues {
            self.dispatch(queue);
        }
    }

    pub(super) fn remove_consumer(&mut self, link: LinkId, index: usize, queue: &Arc<str>, is_exclusive: bool) {
        if let Some(queue) = self.broker.queues.get_mut(queue)
            && let Some(found) = queue.consumers.iter().position(|consumer| *consumer == (link, index))
        {
            queue.consumers.remove(found);
            queue.is_exclusive &= !is_exclusive;
        }
        if **queue == *self.names.input {
            let process = self.links[link].process;
            self.processes[process].consuming_since = None;
        }
    }

    /// Plans the confirms of what is published on a link.
    pub(crate) fn plan_confirms(&mut self, link: LinkId) {
        let channel = &mut self.broker.channels[link];
        if self.broker.withholds_confirms
            || channel.is_mute
            || channel.is_confirm_planned
            || channel.unconfirmed.is_empty()
        {
            return;
        }
        channel.is_confirm_planned = true;
        let delay = match self.random.u8(..) {
            0..200 => self.random.u64(50..2_000),
            200..250 => self.random.u64(2_000..50_000),
            // A stop does not wait for confirms that are later than this.
            _ if self.plan.is_calm => self.random.u64(50_000..1_000_000),
            _ => self.random.u64(50_000..3_000_000),
        };
        self.after(delay, Event::Confirm(link));
    }

    /// Confirms some of what is published on a link: one by one in any order, or many at once.
    pub(crate) fn confirm(&mut self, link: LinkId) {
        self.broker.channels[link].is_confirm_planned = false;
        let channel = &self.broker.channels[link];
        if channel.is_closed || channel.is_mute || !self.broker.is_up || self.broker.withholds_confirms {
            return;
        }
        let is_batched = self.random.bool();
        let unconfirmed = &self.broker.channels[link].unconfirmed;
        let Some((first, is_accepted)) = unconfirmed.first_key_value().map(|(first, it)| (*first, it.is_accepted))
        else {
            return;
        };
        let alike = unconfirmed.iter().take_while(|(_, it)| it.is_accepted == is_accepted).count();
        let (sequence, multiple) = if is_batched {
            let count = self.random.usize(1..=alike);
            let last = *unconfirmed.keys().nth(count - 1).expect("there are as many");
            (last, count > 1 || self.random.bool())
        } else {
            let index = self.random.usize(..unconfirmed.len().min(4));
            (*unconfirmed.keys().nth(index).expect("there are as many"), false)
        };
        let is_accepted = unconfirmed[&sequence].is_accepted;
        let from = if multiple { first } else { sequence };
        let confirmed: Vec<u64> = unconfirmed.range(from..=sequence).map(|(sequence, _)| *sequence).collect();
        for confirmed in confirmed {
            let stored_at = self.broker.channels[link].unconfirmed.remove(&confirmed).and_then(|it| it.stored_at);
            if let Some((queue, position)) = stored_at
                && let Some(stored) = self.broker.queues.get_mut(&queue).and_then(|queue| queue.ready.get_mut(position))
            {
                stored.is_confirmed = true;
            }
        }
        self.send_to_client(link, Reply::Confirm(Confirm { sequence, multiple, accepted: is_accepted }));
        self.plan_confirms(link);
    }
}
