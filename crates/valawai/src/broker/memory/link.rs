//! What one thread has of a session with the broker inside the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::MutexGuard;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};

use super::{MemoryBroker, OnPublish, State, Unsettled};
use crate::broker::{
    ATTEMPTS, Access, Confirm, Consume, Delivery, Error, Event, Link, MAX_BROWSED, OwnQueue, Publish, Queues, Returned,
};
use crate::message::{Message, Outgoing};
use crate::shutdown::Shutdown;

pub(super) struct MemoryLink {
    broker: MemoryBroker,
    session: u64,
    bell: Receiver<()>,
    consumers: Vec<Consumer>,
    /// Whose turn it is.
    next: usize,
    unsettled: BTreeMap<u64, Unsettled>,
    delivered: u64,
    published: u64,
    events: VecDeque<Event>,
    /// Confirms that are kept back, with the queue that was published to.
    silent: Vec<(String, Confirm)>,
}

struct Consumer {
    queue: String,
    prefetch: usize,
    cancelled: bool,
    exclusive: bool,
}

impl MemoryLink {
    pub(super) fn new(broker: MemoryBroker, session: u64) -> Self {
        let (ring, bell) = crossbeam_channel::bounded(1);
        broker.state().bells.push(ring);
        Self {
            broker,
            session,
            bell,
            consumers: Vec::new(),
            next: 0,
            unsettled: BTreeMap::new(),
            delivered: 0,
            published: 0,
            events: VecDeque::new(),
            silent: Vec::new(),
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.broker.state();
        if state.lost.contains(&self.session) {
            return Err(Error::lost("the session is over"));
        }
        Ok(state)
    }

    fn deliver(&mut self) -> Result<Option<Event>, Error> {
        let broker = self.broker.clone();
        let mut state = broker.state();
        state.move_due();
        for _ in 0..self.consumers.len() {
            let index = self.next;
            self.next = (self.next + 1) % self.consumers.len();
            let consumer = &self.consumers[index];
            if consumer.cancelled {
                continue;
            }
            let Some(queue) = state.queues.get_mut(&consumer.queue) else {
                return Err(Error::QueueGone { queue: consumer.queue.clone() });
            };
            if self.unsettled.len() >= consumer.prefetch {
                continue;
            }
            if let Some((place, message)) = queue.ready.pop_first() {
                self.delivered += 1;
                let unsettled = Unsettled { queue: consumer.queue.clone(), place, message: message.clone() };
                self.unsettled.insert(self.delivered, unsettled);
                return Ok(Some(Event::Delivery(Delivery { tag: self.delivered, consumer: index, message })));
            }
        }
        Ok(None)
    }

    fn send(&mut self, to: &str, message: Message, mandatory: bool) -> Result<u64, Error> {
        self.check_size(message.body.len())?;
        let message_id = message.properties.message_id.clone();
        let mut state = self.open()?;
        let on_publish = state.on_publish(to);
        let accepted = on_publish != OnPublish::Nack;
        let queue = state.queues.get_mut(to);
        let found = queue
            .map(|queue| {
                if accepted {
                    queue.add(message);
                }
            })
            .is_some();
        state.ring();
        drop(state);
        self.published += 1;
        if !found && mandatory {
            self.events.push_back(Event::Returned(Returned { to: to.to_owned(), message_id }));
        }
        let confirm = Confirm { sequence: self.published, multiple: false, accepted };
        match on_publish {
            OnPublish::KeepSilent => self.silent.push((to.to_owned(), confirm)),
            OnPublish::Confirm | OnPublish::Nack => self.events.push_back(Event::Confirm(confirm)),
        }
        Ok(self.published)
    }

    /// Confirms what was kept back and is not any more.
    fn break_silence(&mut self) {
        if self.silent.is_empty() {
            return;
        }
        let state = self.broker.state();
        let is_over = |(queue, _): &mut (String, Confirm)| state.on_publish(queue) != OnPublish::KeepSilent;
        self.events.extend(self.silent.extract_if(.., is_over).map(|(_, confirm)| Event::Confirm(confirm)));
    }

    fn settle(&mut self, tag: u64) -> Result<Unsettled, Error> {
        drop(self.open()?);
        self.unsettled.remove(&tag).ok_or_else(|| not_in_flight(tag))
    }
}

impl Queues for MemoryLink {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        self.open()?.queues.entry(queue.to_owned()).or_default();
        Ok(())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let mut state = self.open()?;
        if state.forbidden.contains(queue) {
            let action = format!("declare the queue {queue}");
            return Err(Error::Denied { action, reason: "the queue is there with other arguments".into() });
        }
        let declared = state.queues.entry(queue.to_owned()).or_default();
        declared.delay = options.delay.map(|(after, to)| (Duration::from_millis(after.into()), to.to_owned()));
        declared.newest_only = options.newest_only;
        Ok(())
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else { return Ok(()) };
        let looked_at: Vec<u64> = found.ready.keys().copied().take(MAX_BROWSED).collect();
        for place in looked_at {
            if take(&found.ready[&place]) {
                found.ready.remove(&place);
            }
        }
        Ok(())
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        Ok(self.open()?.queues.get(queue).map(|queue| queue.consumers))
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        Ok(!self.open()?.queues.contains_key(queue))
    }
}

impl Publish for MemoryLink {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        let copy = Message { body: message.body.clone(), properties: message.properties.clone() };
        self.send(&message.to, copy, message.mandatory)
    }

    fn check_size(&mut self, bytes: usize) -> Result<(), Error> {
        match self.open()?.largest {
            Some(largest) if bytes > largest => {
                Err(Error::TooLarge { bytes, reason: format!("its limit is {largest} bytes") })
            }
            _ => Ok(()),
        }
    }

    fn is_blocked(&self) -> bool {
        false
    }
}

impl Consume for MemoryLink {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else {
            return Err(Error::QueueGone { queue: queue.to_owned() });
        };
        let exclusive = access == Access::Exclusive;
        if found.exclusive || (exclusive && found.consumers > 0) {
            return Err(Error::LockHeld { queue: queue.to_owned() });
        }
        found.consumers += 1;
        found.exclusive = exclusive;
        drop(state);
        let prefetch = usize::from(prefetch);
        self.consumers.push(Consumer { queue: queue.to_owned(), prefetch, cancelled: false, exclusive });
        Ok(())
    }

    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.consumers[consumer].prefetch = usize::from(prefetch);
        // A message is delivered when it is polled, so there is never too much.
        Ok(Vec::new())
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        let broker = self.broker.clone();
        let mut state = broker.state();
        for consumer in self.consumers.iter_mut().filter(|consumer| !consumer.cancelled) {
            consumer.cancelled = true;
            if let Some(queue) = state.queues.get_mut(&consumer.queue) {
                queue.consumers -= 1;
                queue.exclusive &= !consumer.exclusive;
            }
        }
        Ok(Vec::new())
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let unsettled = self.unsettled.get(&tag).ok_or_else(|| not_in_flight(tag))?;
        let mut properties = unsettled.message.properties.clone();
        if let Some((_, attempts)) = headers.iter().find(|(name, _)| *name == ATTEMPTS) {
            properties.attempts = attempts.parse().unwrap_or(0);
        }
        self.send(to, Message { body: body.to_vec(), properties }, true)
    }

    fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        self.settle(tag).map(drop)
    }

    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag);
        Ok(())
    }

    fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        let unsettled = self.settle(tag)?;
        self.open()?.take_back(unsettled);
        Ok(())
    }
}

impl Link for MemoryLink {
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        drop(self.open()?);
        self.break_silence();
        match self.events.pop_front() {
            Some(event) => Ok(Some(event)),
            None if deliveries => self.deliver(),
            None => Ok(None),
        }
    }

    fn wait(&mut self, _deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        let mut select = Select::new();
        select.recv(&self.bell);
        if let Some(shutdown) = shutdown {
            select.recv(shutdown.requested());
        }
        // What happened, and whether anything did, is for `poll` to find out. Nobody rings when a delay has passed.
        let _ = select.ready_timeout(limit.min(Duration::from_millis(50)));
        let _ = self.bell.try_recv();
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        // Cancelling is infallible here; it frees exclusive queues.
        let _ = self.cancel();
        let mut state = self.broker.state();
        for unsettled in std::mem::take(&mut self.unsettled).into_values() {
            state.take_back(unsettled);
        }
    }
}

fn not_in_flight(tag: u64) -> Error {
    Error::lost(format!("the delivery {tag} is not in flight"))
}
