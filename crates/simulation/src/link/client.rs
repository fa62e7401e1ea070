//! What the client of a link knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use valawai::internals::broker::{Access, Confirm, Delivery, Event};
use valawai::internals::message::{Message, Properties};

use crate::broker::{ConnectionId, Frame, Reply, Response};
use crate::ledger;
use crate::world::Micros;

/// What the client of a link knows.
pub(crate) struct ClientLink {
    pub(crate) process: usize,
    pub(crate) publishing: ConnectionId,
    pub(crate) consuming: ConnectionId,
    pub(super) querying: ConnectionId,
    /// The connection of the last call.
    pub(crate) called: ConnectionId,
    /// When it called, while there is no answer.
    pub(crate) waiting_since: Option<Micros>,
    /// Confirms and returned messages, in their order.
    pub(super) events: VecDeque<Event>,
    pub(super) subscriptions: Vec<Subscription>,
    /// The number that the broker gives the next consumer.
    pub(super) next_number: usize,
    pub(super) next: usize,
    /// Deliveries that were polled and not settled.
    pub(super) unsettled: BTreeMap<u64, Polled>,
    pub(super) published: u64,
    pub(super) unsent: Vec<Frame>,
    pub(super) calls: u64,
    pub(super) response: Option<(u64, Response)>,
    pub(super) confirms: bool,
    pub(crate) publishes: BTreeMap<u64, Published>,
    /// The inputs whose output is confirmed, as far as the component has been told.
    pub(super) confirmed: BTreeSet<usize>,
    pub(super) returned: BTreeSet<(String, Option<String>)>,
}

pub(super) struct Subscription {
    /// Its number at the broker.
    pub(super) number: usize,
    pub(super) queue: Arc<str>,
    pub(super) access: Access,
    pub(super) prefetch: u16,
    pub(super) buffered: VecDeque<(u64, Message)>,
}

pub(super) struct Polled {
    pub(super) input: Option<usize>,
    pub(super) properties: Properties,
}

/// A publish for an input that is not confirmed.
pub(crate) struct Published {
    pub(super) input: usize,
    pub(super) to: Arc<str>,
    pub(super) message_id: Option<String>,
    pub(super) must_arrive: bool,
}

impl ClientLink {
    pub(crate) fn new(
        process: usize,
        publishing: ConnectionId,
        consuming: ConnectionId,
        querying: ConnectionId,
    ) -> Self {
        Self {
            process,
            publishing,
            consuming,
            querying,
            called: consuming,
            waiting_since: None,
            events: VecDeque::new(),
            subscriptions: Vec::new(),
            next_number: 0,
            next: 0,
            unsettled: BTreeMap::new(),
            published: 0,
            unsent: Vec::new(),
            calls: 0,
            response: None,
            confirms: true,
            publishes: BTreeMap::new(),
            confirmed: BTreeSet::new(),
            returned: BTreeSet::new(),
        }
    }

    /// A frame arrived.
    pub(crate) fn receive(&mut self, reply: Reply) {
        match reply {
            Reply::Confirm(confirm) => self.events.push_back(Event::Confirm(confirm)),
            Reply::Returned(returned) => self.events.push_back(Event::Returned(returned)),
            Reply::Response { number, response } if number == self.calls => self.response = Some((number, response)),
            Reply::Response { .. } => {}
            Reply::Deliver { tag, consumer, message } => {
                if let Some(found) = self.subscriptions.iter_mut().find(|it| it.number == consumer) {
                    found.buffered.push_back((tag, message));
                }
            }
        }
    }

    /// What a confirm means for the inputs, once the component knows of it.
    pub(super) fn note_confirm(&mut self, confirm: Confirm) {
        let Confirm { sequence, multiple, accepted } = confirm;
        let from = if multiple { 0 } else { sequence };
        for (_, published) in self.publishes.extract_if(from..=sequence, |_, _| true) {
            let key = (published.to.to_string(), published.message_id);
            let is_lost = self.returned.remove(&key) && published.must_arrive;
            if accepted && !is_lost {
                self.confirmed.insert(published.input);
            }
        }
    }

    /// The next delivery, of the subscriptions in turn.
    pub(super) fn poll_delivery(&mut self) -> Option<Delivery> {
        for _ in 0..self.subscriptions.len() {
            let index = self.next % self.subscriptions.len();
            self.next = (index + 1) % self.subscriptions.len();
            if let Some((tag, message)) = self.subscriptions[index].buffered.pop_front() {
                let input = ledger::number(message.properties.message_id.as_deref());
                self.unsettled.insert(tag, Polled { input, properties: message.properties.clone() });
                return Some(Delivery { tag, consumer: index, message });
            }
        }
        None
    }
}
