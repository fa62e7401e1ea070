//! Stale registrations: those of the component's name that are live beside the one that is kept. Each is ended once.

use std::collections::BTreeSet;

use crate::name::Id;

/// How many ended registrations are remembered, so that none is ended twice: the MOV logs that as an error.
const MAX_ENDED: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct StaleRegistrations {
    to_end: BTreeSet<Id>,
    /// Those whose end the broker has not confirmed.
    in_flight: BTreeSet<Id>,
    ended: BTreeSet<Id>,
}

impl StaleRegistrations {
    /// Replaces the registrations to end. Those that are ending are left out.
    pub(super) fn replace(&mut self, ids: impl IntoIterator<Item = Id>) {
        self.to_end = ids.into_iter().filter(|id| !self.is_ending(id)).collect();
    }

    /// Adds a registration to end, unless it is ended already.
    pub(super) fn add(&mut self, id: Id) {
        if !self.is_ended(&id) {
            self.to_end.insert(id);
        }
    }

    /// Whether the message that ends `id` was sent. The MOV may not have processed it yet.
    pub(super) fn is_ended(&self, id: &Id) -> bool {
        self.ended.contains(id)
    }

    /// Whether the message that ends `id` was sent, and does not have to be sent again.
    pub(super) fn is_ending(&self, id: &Id) -> bool {
        self.is_ended(id) && !self.to_end.contains(id)
    }

    /// Returns the next registration to end. Each is returned once.
    pub(super) fn next(&mut self) -> Option<Id> {
        let id = self.to_end.pop_first()?;
        if self.ended.len() >= MAX_ENDED {
            self.ended.clear();
        }
        self.ended.insert(id.clone());
        self.in_flight.insert(id.clone());
        Some(id)
    }

    /// The broker accepted the message that ends `id`.
    pub(super) fn confirmed(&mut self, id: &Id) {
        self.in_flight.remove(id);
    }

    /// The broker rejected the message that ends `id`, so it is sent again.
    pub(super) fn nacked(&mut self, id: &Id) {
        self.to_end.extend(self.in_flight.take(id));
    }

    /// The session was lost, and messages in flight may be lost with it, so they are sent again.
    pub(super) fn session_lost(&mut self) {
        self.to_end.append(&mut self.in_flight);
    }
}
