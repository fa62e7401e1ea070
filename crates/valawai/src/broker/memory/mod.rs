//! A broker inside the process, with the manners of the real one: for tests that need no server.

mod link;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use self::link::MemoryLink;
use super::{ConsumeOn, Error, Job, PublishJob, Session};
use crate::message::Message;

/// What becomes of what is published to a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnPublish {
    /// It is taken, and confirmed.
    #[default]
    Confirm,
    /// It is taken, and confirmed when this changes, if the session lasts so long.
    KeepSilent,
    /// It is nacked, as by a queue that is full.
    Nack,
}

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
    /// Queues that cannot be declared.
    forbidden: HashSet<String>,
    /// The largest body that it takes.
    largest: Option<usize>,
}

#[derive(Default)]
struct Queue {
    /// By the order of publishing, which a message keeps when it comes back.
    ready: BTreeMap<u64, Message>,
    published: u64,
    /// Messages leave it after so long, for the queue named.
    delay: Option<(Duration, String)>,
    since: BTreeMap<u64, Instant>,
    newest_only: bool,
    consumers: u32,
    exclusive: bool,
    on_publish: OnPublish,
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

    /// How many consumers `queue` has, or none because it does not exist.
    #[must_use]
    pub fn consumers(&self, queue: &str) -> u32 {
        self.state().queues.get(queue).map_or(0, |queue| queue.consumers)
    }

    /// Deletes `queue` and what is in it.
    pub fn delete(&self, queue: &str) {
        let mut state = self.state();
        state.queues.remove(queue);
        state.ring();
    }

    /// Treats what is published to `queue` so from now on.
    pub fn on_publish(&self, queue: &str, on_publish: OnPublish) {
        let mut state = self.state();
        state.queues.entry(queue.to_owned()).or_default().on_publish = on_publish;
        state.ring();
    }

    /// Refuses to declare `queue` as a component's own, or does not any more.
    pub fn forbid(&self, queue: &str, is_forbidden: bool) {
        let mut state = self.state();
        if is_forbidden {
            state.forbidden.insert(queue.to_owned());
        } else {
            state.forbidden.remove(queue);
        }
    }

    /// Takes no bodies that are larger than `bytes`.
    pub fn limit_size(&self, bytes: usize) {
        self.state().largest = Some(bytes);
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
        while self.newest_only && self.ready.len() > 1 {
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
    fn on_publish(&self, queue: &str) -> OnPublish {
        self.queues.get(queue).map_or(OnPublish::Confirm, |queue| queue.on_publish)
    }

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

/// A delivery that may have to go back to where it was.
struct Unsettled {
    queue: String,
    place: u64,
    message: Message,
}

/// One life of a connection to a [`MemoryBroker`].
pub struct MemorySession {
    broker: MemoryBroker,
    number: u64,
    running: Sender<()>,
    ended: Receiver<()>,
}

impl MemorySession {
    fn start(&self, name: &str, work: impl FnOnce(&mut MemoryLink) + Send + 'static) -> Result<(), Error> {
        let (broker, number, running) = (self.broker.clone(), self.number, self.running.clone());
        let work = move || {
            work(&mut MemoryLink::new(broker, number));
            drop(running);
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Error::lost)?;
        Ok(())
    }
}

impl Session for MemorySession {
    fn spawn(&mut self, name: &str, _consume_on: ConsumeOn, job: Job) -> Result<(), Error> {
        self.start(name, move |link| job(Ok(link)))
    }

    fn spawn_unconfirmed(&mut self, name: &str, job: PublishJob) -> Result<(), Error> {
        self.start(name, move |link| job(Ok(link)))
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
