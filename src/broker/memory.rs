//! A broker inside the process, with the manners of the real one: for tests that need no server.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Select, Sender};

use super::{
    ATTEMPTS, Access, Confirm, Delivery, Error, Event, Job, Link, MOST_BROWSED, OwnQueue, Returned, Session, Stop, Tag,
};
use crate::message::{Message, Outgoing};

/// The broker. Clones are the same broker.
#[derive(Clone, Default)]
pub struct MemoryBroker {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    queues: HashMap<String, Queue>,
    /// Rung when anything changes: one bell for each link.
    bells: Vec<Sender<()>>,
    sessions: u64,
    lost: Vec<u64>,
}

#[derive(Default)]
struct Queue {
    /// By the order of publishing, which a message keeps when it comes back.
    ready: BTreeMap<u64, Message>,
    published: u64,
    /// Messages leave it after so long, for the queue named.
    delay: Option<(Duration, String)>,
    since: BTreeMap<u64, Instant>,
    keeps: Option<usize>,
    consumers: u32,
    exclusive: bool,
}

impl MemoryBroker {
    /// A new session with the broker.
    ///
    /// # Errors
    /// Never; the signature is that of a real broker.
    pub fn connect(&self) -> Result<MemorySession, Error> {
        let mut state = self.state();
        state.sessions += 1;
        let (running, ended) = crossbeam_channel::bounded(0);
        Ok(MemorySession { broker: self.clone(), number: state.sessions, running, ended })
    }

    /// Breaks every session that is open now, as a broker that dies would.
    pub fn lose_all_sessions(&self) {
        let mut state = self.state();
        state.lost = (1..=state.sessions).collect();
        state.ring();
    }

    /// How many messages wait in `queue`, or `None` when it does not exist.
    #[must_use]
    pub fn depth(&self, queue: &str) -> Option<usize> {
        self.state().queues.get(queue).map(|queue| queue.ready.len())
    }

    /// Deletes `queue` and what is in it.
    pub fn delete(&self, queue: &str) {
        let mut state = self.state();
        state.queues.remove(queue);
        state.ring();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn add(&mut self, message: Message) {
        self.published += 1;
        self.ready.insert(self.published, message);
        self.since.insert(self.published, Instant::now());
        while self.keeps.is_some_and(|most| self.ready.len() > most) {
            self.ready.pop_first();
        }
    }

    /// What has waited here for as long as it should, and where it goes.
    fn take_due(&mut self) -> Vec<(String, Message)> {
        let Some((delay, to)) = self.delay.clone() else { return Vec::new() };
        let is_due = |place: &u64| self.since.get(place).is_some_and(|since| since.elapsed() >= delay);
        let due: Vec<u64> = self.ready.keys().copied().filter(|place| is_due(place)).collect();
        due.iter().filter_map(|place| self.ready.remove(place)).map(|message| (to.clone(), message)).collect()
    }
}

impl State {
    fn move_due(&mut self) {
        let due: Vec<(String, Message)> = self.queues.values_mut().flat_map(Queue::take_due).collect();
        for (to, message) in due {
            if let Some(queue) = self.queues.get_mut(&to) {
                queue.add(message);
            }
        }
    }

    fn take_back(&mut self, unsettled: Unsettled) {
        if let Some(queue) = self.queues.get_mut(&unsettled.queue) {
            queue.ready.insert(unsettled.place, unsettled.message);
        }
        self.ring();
    }

    fn ring(&mut self) {
        self.bells.retain(|bell| !matches!(bell.try_send(()), Err(crossbeam_channel::TrySendError::Disconnected(()))));
    }
}

/// One life of a connection to a [`MemoryBroker`].
pub struct MemorySession {
    broker: MemoryBroker,
    number: u64,
    running: Sender<()>,
    ended: Receiver<()>,
}

impl Session for MemorySession {
    fn spawn(&mut self, name: &str, job: Job) -> Result<(), Error> {
        let (broker, number, running) = (self.broker.clone(), self.number, self.running.clone());
        let work = move || {
            let running = running;
            job(Ok(&mut MemoryLink::new(broker, number)));
            drop(running);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::lost)?;
        Ok(())
    }

    fn close(self: Box<Self>, deadline: Instant) -> Option<Error> {
        drop(self.running);
        // Nobody sends: it ends when the last thread is gone, or at the deadline.
        let _ = self.ended.recv_deadline(deadline);
        let mut state = self.broker.state();
        let was_lost = state.lost.contains(&self.number);
        state.lost.push(self.number);
        state.ring();
        was_lost.then(|| Error::lost("the sessions were lost on purpose"))
    }
}

struct MemoryLink {
    broker: MemoryBroker,
    session: u64,
    bell: Receiver<()>,
    consumers: Vec<Consumer>,
    unsettled: BTreeMap<u64, Unsettled>,
    heard: u64,
    published: u64,
    events: VecDeque<Event>,
}

/// A delivery that may have to go back to where it was.
struct Unsettled {
    queue: String,
    place: u64,
    message: Message,
}

struct Consumer {
    queue: String,
    prefetch: usize,
    cancelled: bool,
    exclusive: bool,
}

impl MemoryLink {
    fn new(broker: MemoryBroker, session: u64) -> Self {
        let (ring, bell) = crossbeam_channel::bounded(1);
        broker.state().bells.push(ring);
        Self {
            broker,
            session,
            bell,
            consumers: Vec::new(),
            unsettled: BTreeMap::new(),
            heard: 0,
            published: 0,
            events: VecDeque::new(),
        }
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.broker.state();
        if state.lost.contains(&self.session) {
            return Err(Error::lost("the session is over"));
        }
        Ok(state)
    }

    fn hear(&mut self) -> Result<Option<Event>, Error> {
        let broker = self.broker.clone();
        let mut state = broker.state();
        state.move_due();
        for (index, consumer) in self.consumers.iter().enumerate().filter(|(_, consumer)| !consumer.cancelled) {
            let Some(queue) = state.queues.get_mut(&consumer.queue) else {
                return Err(Error::QueueGone { queue: consumer.queue.clone() });
            };
            if self.unsettled.len() >= consumer.prefetch {
                continue;
            }
            if let Some((place, message)) = queue.ready.pop_first() {
                self.heard += 1;
                let unsettled = Unsettled { queue: consumer.queue.clone(), place, message: message.clone() };
                self.unsettled.insert(self.heard, unsettled);
                let tag = Tag { session: self.session, number: self.heard };
                return Ok(Some(Event::Delivery(Delivery { tag, consumer: index, message })));
            }
        }
        Ok(None)
    }

    fn hand_over(&mut self, to: &str, message: Message, mandatory: bool) -> Result<u64, Error> {
        let message_id = message.properties.message_id.clone();
        let mut state = self.open()?;
        let found = state.queues.get_mut(to).map(|queue| queue.add(message)).is_some();
        state.ring();
        drop(state);
        self.published += 1;
        if !found && mandatory {
            self.events.push_back(Event::Returned(Returned { to: to.to_owned(), message_id }));
        }
        let confirm = Confirm { sequence: self.published, multiple: false, accepted: true };
        self.events.push_back(Event::Confirm(confirm));
        Ok(self.published)
    }

    fn settle(&mut self, tag: Tag) -> Result<Unsettled, Error> {
        drop(self.open()?);
        if tag.session != self.session {
            return Err(Error::Stale);
        }
        self.unsettled.remove(&tag.number).ok_or(Error::Stale)
    }
}

impl Link for MemoryLink {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        self.open()?.queues.entry(queue.to_owned()).or_default();
        Ok(())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let mut state = self.open()?;
        let declared = state.queues.entry(queue.to_owned()).or_default();
        declared.delay = options.delay.map(|(after, to)| (Duration::from_millis(after.into()), to.to_owned()));
        declared.keeps = options.keeps.map(|count| count as usize);
        Ok(())
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else { return Ok(()) };
        let looked_at: Vec<u64> = found.ready.keys().copied().take(MOST_BROWSED).collect();
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

    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else {
            return Err(Error::QueueGone { queue: queue.to_owned() });
        };
        let exclusive = access == Access::Exclusive;
        if found.exclusive || (exclusive && found.consumers > 0) {
            return Err(Error::Taken { queue: queue.to_owned() });
        }
        found.consumers += 1;
        found.exclusive = exclusive;
        drop(state);
        let prefetch = usize::from(prefetch);
        self.consumers.push(Consumer { queue: queue.to_owned(), prefetch, cancelled: false, exclusive });
        Ok(())
    }

    fn retune(&mut self, consumer: usize, prefetch: u16) -> Result<(), Error> {
        self.consumers[consumer].prefetch = usize::from(prefetch);
        Ok(())
    }

    fn cancel(&mut self) -> Result<(), Error> {
        let broker = self.broker.clone();
        let mut state = broker.state();
        for consumer in self.consumers.iter_mut().filter(|consumer| !consumer.cancelled) {
            consumer.cancelled = true;
            if let Some(queue) = state.queues.get_mut(&consumer.queue) {
                queue.consumers -= 1;
                queue.exclusive &= !consumer.exclusive;
            }
        }
        Ok(())
    }

    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        let copy = Message { body: message.body.clone(), properties: message.properties.clone() };
        self.hand_over(&message.to, copy, message.mandatory)
    }

    fn forward(&mut self, tag: Tag, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let unsettled = self.unsettled.get(&tag.number).filter(|_| tag.session == self.session);
        let mut properties = unsettled.ok_or(Error::Stale)?.message.properties.clone();
        if let Some((_, attempts)) = headers.iter().find(|(name, _)| *name == ATTEMPTS) {
            properties.attempts = attempts.parse().unwrap_or(0);
        }
        self.hand_over(to, Message { body: body.to_vec(), properties }, true)
    }

    fn acknowledge_up_to(&mut self, tag: Tag) -> Result<(), Error> {
        self.settle(tag)?;
        self.unsettled = self.unsettled.split_off(&tag.number);
        Ok(())
    }

    fn give_back(&mut self, tag: Tag) -> Result<(), Error> {
        let unsettled = self.settle(tag)?;
        self.open()?.take_back(unsettled);
        Ok(())
    }

    fn poll(&mut self, intake: bool) -> Result<Option<Event>, Error> {
        drop(self.open()?);
        match self.events.pop_front() {
            Some(event) => Ok(Some(event)),
            None if intake => self.hear(),
            None => Ok(None),
        }
    }

    fn wait(&mut self, _intake: bool, stop: Option<&Stop>, limit: Duration) {
        let mut select = Select::new();
        select.recv(&self.bell);
        if let Some(stop) = stop {
            select.recv(stop);
        }
        // What happened, and whether anything did, is for `poll` to find out. Nobody rings when a delay has passed.
        let _ = select.ready_timeout(limit.min(Duration::from_millis(50)));
        let _ = self.bell.try_recv();
    }

    fn is_blocked(&self) -> bool {
        false
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
