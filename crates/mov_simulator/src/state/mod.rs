//! Everything the MOV knows. It is lost when the process ends, like that of a real MOV with its default settings.

mod broker_action;
pub(crate) mod component;
pub(crate) mod connection;
pub(crate) mod logs;
mod shared_client;
mod source_queues;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crossbeam_channel::Sender;
use parking_lot::Mutex;

pub(crate) use self::broker_action::{BrokerAction, Page};
use self::component::Component;
use self::connection::Connection;
use self::logs::Logs;
use self::shared_client::SharedClient;
use self::source_queues::ConsumerChange;
pub(crate) use self::source_queues::{CloseReason, EnableReason};
use crate::console;
use crate::json::Json;
use crate::object_id::ObjectId;

/// How many records of each kind are kept; the oldest are removed first.
const MAX_RECORDS: usize = 10_000;
const MAX_EXCERPT_CHARACTERS: usize = 2000;

pub(crate) type SharedState = Arc<Mutex<MovState>>;

#[derive(Debug)]
pub(crate) struct MovState {
    components: Vec<Component>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) logs: Logs,
    pub(crate) rejected_messages: VecDeque<RejectedMessage>,
    /// The MOV's queues whose stream has failed, with the reason.
    pub(crate) poisoned: BTreeMap<String, String>,
    /// The MOV's queues that could not be declared, with the reason.
    pub(crate) undeclared: BTreeMap<String, String>,
    /// The source queues whose messages are discarded, with the reason.
    pub(crate) discarding: BTreeMap<String, String>,
    /// How many copies were forwarded to targets.
    pub(crate) forwarded: u64,
    pub(crate) counts: Counts,
    /// Whether the MOV's own queues are consumed now.
    pub(crate) is_consuming: bool,
    pub(crate) shared_client: SharedClient,
    actions: Sender<BrokerAction>,
    pages: Sender<Page>,
}

/// How many messages were consumed, including rejected ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) registers: u64,
    pub(crate) unregisters: u64,
    /// The part of `unregisters` whose id was unknown or already finished.
    pub(crate) unknown_unregisters: u64,
    pub(crate) component_queries: u64,
}

/// A message that was dropped because of its content.
#[derive(Debug, Clone)]
pub(crate) struct RejectedMessage {
    pub(crate) queue: String,
    pub(crate) reason: String,
    /// The beginning of the body.
    pub(crate) excerpt: String,
}

impl MovState {
    /// The state after the start. Actions and pages are carried out by the receivers of the two channels.
    pub(crate) fn new(actions: Sender<BrokerAction>, pages: Sender<Page>) -> Self {
        Self {
            components: Vec::new(),
            connections: Vec::new(),
            logs: Logs::default(),
            rejected_messages: VecDeque::new(),
            poisoned: BTreeMap::new(),
            undeclared: BTreeMap::new(),
            discarding: BTreeMap::new(),
            forwarded: 0,
            counts: Counts::default(),
            is_consuming: false,
            shared_client: SharedClient::default(),
            actions,
            pages,
        }
    }

    pub(crate) fn add_component(&mut self, component: Component) {
        if self.components.len() >= MAX_RECORDS {
            self.components.remove(0);
        }
        self.components.push(component);
    }

    /// All registrations since the start, including finished ones.
    pub(crate) fn registrations(&self) -> &[Component] {
        &self.components
    }

    pub(crate) fn live_components(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| !component.is_finished)
    }

    /// A registration, whether live or finished.
    pub(crate) fn component(&self, id: &ObjectId) -> Option<&Component> {
        self.components.iter().find(|component| component.id == *id)
    }

    pub(crate) fn live_component_mut(&mut self, id: &ObjectId) -> Option<&mut Component> {
        self.components.iter_mut().find(|component| component.id == *id && !component.is_finished)
    }

    pub(crate) fn add_connection(&mut self, connection: Connection) {
        if self.connections.len() >= MAX_RECORDS {
            self.connections.remove(0);
        }
        self.connections.push(connection);
    }

    /// A connection that is not deleted.
    pub(crate) fn live_connection(&self, id: &ObjectId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == *id && !connection.is_deleted)
    }

    pub(crate) fn live_connection_mut(&mut self, id: &ObjectId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == *id && !connection.is_deleted)
    }

    /// Records a message that is dropped.
    pub(crate) fn reject(&mut self, queue: &str, reason: &str, body: &Json) {
        console::print(&format!("REFUSED a message of {queue}: {reason}"));
        if self.rejected_messages.len() >= MAX_RECORDS {
            self.rejected_messages.pop_front();
        }
        let excerpt = body.to_string().chars().take(MAX_EXCERPT_CHARACTERS).collect();
        self.rejected_messages.push_back(RejectedMessage {
            queue: queue.to_owned(),
            reason: reason.to_owned(),
            excerpt,
        });
    }

    /// Publishes through the shared client.
    pub(crate) fn publish(&mut self, queue: &str, body: &Json) {
        self.request(BrokerAction::Publish { queue: queue.to_owned(), body: body.to_message_body() });
    }

    /// Publishes the answer to a query.
    pub(crate) fn publish_page(&mut self, queue: &'static str, page: &Json) {
        // The receiver lives as long as the process.
        let _ = self.pages.send(Page { queue, body: page.to_string() });
    }

    pub(crate) fn open_source_queue(&mut self, queue: &str, reason: EnableReason) {
        let change = self.shared_client.source_queues.open(queue, reason);
        self.apply(change, queue);
    }

    /// Also ends the discarding of messages from this queue; nothing else does.
    pub(crate) fn close_source_queue(&mut self, queue: &str, reason: CloseReason) {
        self.discarding.remove(queue);
        let change = self.shared_client.source_queues.close(queue, reason);
        self.apply(change, queue);
    }

    fn apply(&self, change: ConsumerChange, queue: &str) {
        match change {
            ConsumerChange::None => (),
            ConsumerChange::Consume => self.request(BrokerAction::Consume(queue.to_owned())),
            ConsumerChange::Cancel => self.request(BrokerAction::Cancel(queue.to_owned())),
            ConsumerChange::CancelAll => {
                console::print(&format!(
                    "FORWARDING STOPPED from all queues, because {queue} was opened or closed after a reconnect"
                ));
                self.request(BrokerAction::CancelAll);
            }
        }
    }

    fn request(&self, action: BrokerAction) {
        // The receiver lives as long as the process.
        let _ = self.actions.send(action);
    }

    /// The last step of the start finishes components that registered before it, without notifying them. In the real MOV, it
    /// depends on timing which components those are; here they are the first, the third and so on.
    pub(crate) fn finish_early_registrations(&mut self) {
        self.components.iter_mut().step_by(2).for_each(|component| component.is_finished = true);
        self.connections.iter_mut().for_each(|connection| connection.is_deleted = true);
    }
}
