//! All that the MOV knows. It lives as long as the process: a restarted MOV has finished every component and deleted every
//! connection.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use super::component::Component;
use super::connection::Connection;
use super::id::Id;
use super::journal;
use super::json::Json;
use super::logs::Logs;
use super::shared::{Change, Closing, Enabling, SharedClient};

/// Of each kind of record; the oldest go.
const MOST_RECORDS: usize = 10_000;
const LONGEST_EXCERPT: usize = 2000;

#[derive(Debug)]
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
    pub(crate) forwarded: u64,
    pub(crate) counts: Counts,
    /// Whether it consumes its own queues now.
    pub(crate) is_consuming: bool,
    pub(crate) shared_client: SharedClient,
    effects: Sender<Effect>,
    pages: Sender<Page>,
}

/// How many messages were consumed, the refused ones too.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) registers: u64,
    pub(crate) unregisters: u64,
    /// Of these, those of an id that was unknown or already finished.
    pub(crate) unknown_unregisters: u64,
    pub(crate) component_queries: u64,
}

/// A message that was dropped because of what was in it. The real MOV tells only its log.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) body: String,
}

/// What the shared client is to do at the broker, once an event is dealt with.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Through the default exchange, and never mind whether anybody is there.
    Publish {
        queue: String,
        body: String,
    },
    Listen(String),
    StopListening(String),
    StopListeningToAll,
}

/// The answer to a query.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) queue: &'static str,
    pub(crate) body: String,
}

/// A thread that failed must not take the others with it.
pub(crate) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    /// It knows nobody. What it wants done at the broker goes into the two channels.
    pub(crate) fn new(effects: Sender<Effect>, pages: Sender<Page>) -> Self {
        Self {
            components: Vec::new(),
            connections: Vec::new(),
            logs: Logs::default(),
            refusals: VecDeque::new(),
            poisoned: BTreeMap::new(),
            unready: BTreeMap::new(),
            sinks: BTreeMap::new(),
            forwarded: 0,
            counts: Counts::default(),
            is_consuming: false,
            shared_client: SharedClient::default(),
            effects,
            pages,
        }
    }

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
        self.perform(Effect::Publish { queue: queue.to_owned(), body: body.to_string() });
    }

    pub(crate) fn send_page(&mut self, queue: &'static str, page: &Json) {
        // Both ends of the channel live as long as the program.
        let _ = self.pages.send(Page { queue, body: page.to_string() });
    }

    pub(crate) fn listen(&mut self, queue: &str, enabling: Enabling) {
        let change = self.shared_client.taps.open(queue, enabling);
        self.change_taps(change, queue);
    }

    /// The only way out of a silent sink, too.
    pub(crate) fn stop_listening(&mut self, queue: &str, closing: Closing) {
        self.sinks.remove(queue);
        let change = self.shared_client.taps.close(queue, closing);
        self.change_taps(change, queue);
    }

    fn change_taps(&self, change: Change, queue: &str) {
        match change {
            Change::Nothing => (),
            Change::Open => self.perform(Effect::Listen(queue.to_owned())),
            Change::Close => self.perform(Effect::StopListening(queue.to_owned())),
            Change::CloseAll => {
                journal::tell(&format!("DEAF since {queue} was closed or opened after a reconnect: forwards nothing"));
                self.perform(Effect::StopListeningToAll);
            }
        }
    }

    fn perform(&self, effect: Effect) {
        let _ = self.effects.send(effect);
    }

    /// What the MOV does at the end of its start: whoever registered before that is forgotten, and not told.
    pub(crate) fn finish_everything(&mut self) {
        self.components.iter_mut().for_each(|component| component.finished = true);
        self.connections.iter_mut().for_each(|connection| connection.deleted = true);
    }
}
