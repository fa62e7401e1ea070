//! All that the MOV knows. It lives as long as the process: a restarted MOV has finished every component and deleted every
//! connection.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::component::Component;
use super::connection::Connection;
use super::id::Id;
use super::journal;
use super::json::Json;
use super::logs::Logs;

/// Of each kind of record; the oldest go.
const MOST_RECORDS: usize = 10_000;
const LONGEST_EXCERPT: usize = 2000;

#[derive(Debug, Default)]
pub(crate) struct World {
    components: Vec<Component>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) logs: Logs,
    pub(crate) refusals: VecDeque<Refusal>,
    /// The queues of the MOV whose stream has ended, and why.
    pub(crate) poisoned: BTreeMap<String, String>,
    /// The queues that it could not declare.
    pub(crate) unready: BTreeMap<String, String>,
    /// The source queues from which everything is thrown away, and why.
    pub(crate) sinks: BTreeMap<String, String>,
    /// The source queues that it listens to, or believes it does.
    pub(crate) listening: BTreeSet<String>,
    pub(crate) forwarded: u64,
    /// Whether it consumes from a broker now.
    pub(crate) connected: bool,
    outbox: VecDeque<Effect>,
}

/// A message that was dropped because of what was in it. The real MOV tells only its log.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) body: String,
}

/// What is to be done at the broker, once an event is dealt with.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Through the default exchange, and never mind whether anybody is there.
    Publish {
        queue: String,
        body: String,
    },
    Listen(String),
    StopListening(String),
}

/// A thread that failed must not take the others with it.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn add_component(&mut self, component: Component) {
        if self.components.len() >= MOST_RECORDS {
            self.components.remove(0);
        }
        self.components.push(component);
    }

    /// Every registration since the start, the finished ones too.
    pub(crate) fn registrations(&self) -> &[Component] {
        &self.components
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| !component.finished)
    }

    pub(crate) fn component(&self, id: &Id) -> Option<&Component> {
        self.components.iter().find(|component| component.id == *id)
    }

    pub(crate) fn live_component_mut(&mut self, id: &Id) -> Option<&mut Component> {
        self.components.iter_mut().find(|component| component.id == *id && !component.finished)
    }

    /// How a person would call a component.
    pub(crate) fn name_of(&self, id: Option<&Id>) -> &str {
        id.and_then(|id| self.component(id)).map_or("an unregistered component", |component| &component.name)
    }

    pub(crate) fn add_connection(&mut self, connection: Connection) {
        if self.connections.len() >= MOST_RECORDS {
            self.connections.remove(0);
        }
        self.connections.push(connection);
    }

    /// Notes a message that is dropped.
    pub(crate) fn refuse(&mut self, queue: &str, reason: &str, body: &Json) {
        journal::tell(&format!("REFUSED a message of {queue}: {reason}"));
        if self.refusals.len() >= MOST_RECORDS {
            self.refusals.pop_front();
        }
        let body = body.to_string().chars().take(LONGEST_EXCERPT).collect();
        self.refusals.push_back(Refusal { queue: queue.to_owned(), reason: reason.to_owned(), body });
    }

    pub(crate) fn publish(&mut self, queue: &str, body: &Json) {
        self.outbox.push_back(Effect::Publish { queue: queue.to_owned(), body: body.to_string() });
    }

    pub(crate) fn listen(&mut self, queue: &str) {
        if self.listening.insert(queue.to_owned()) {
            self.outbox.push_back(Effect::Listen(queue.to_owned()));
        }
    }

    /// The only way out of a silent sink, too.
    pub(crate) fn stop_listening(&mut self, queue: &str) {
        self.sinks.remove(queue);
        if self.listening.remove(queue) {
            self.outbox.push_back(Effect::StopListening(queue.to_owned()));
        }
    }

    pub(crate) fn next_effect(&mut self) -> Option<Effect> {
        self.outbox.pop_front()
    }

    /// What the MOV does at the end of its start: whoever registered before that is forgotten, and not told.
    pub(crate) fn finish_everything(&mut self) {
        self.components.iter_mut().for_each(|component| component.finished = true);
        self.connections.iter_mut().for_each(|connection| connection.deleted = true);
    }
}
