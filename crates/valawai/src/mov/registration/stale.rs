//! Registrations of our name that stand beside the one that is kept: to be ended, each of them once.

use std::collections::BTreeSet;

use crate::name::ComponentId;

/// Ended registrations that are remembered, so that none is ended twice: the MOV notes that as an error.
const MOST_ENDED: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Stale {
    due: BTreeSet<ComponentId>,
    /// Told to end, and not confirmed by the broker.
    in_flight: BTreeSet<ComponentId>,
    ended: BTreeSet<ComponentId>,
}

impl Stale {
    /// These are stale, as far as they are not ended already, and no others.
    pub(super) fn set(&mut self, ids: impl IntoIterator<Item = ComponentId>) {
        self.due.clear();
        ids.into_iter().for_each(|id| self.add(id));
    }

    /// This one is stale, too.
    pub(super) fn add(&mut self, id: ComponentId) {
        if !self.is_ended(&id) {
            self.due.insert(id);
        }
    }

    /// Whether the MOV was told that `id` ends. It may not have heard of it yet.
    pub(super) fn is_ended(&self, id: &ComponentId) -> bool {
        self.ended.contains(id)
    }

    /// The next one to end. Each is told once.
    pub(super) fn next(&mut self) -> Option<ComponentId> {
        let id = self.due.pop_first()?;
        if self.ended.len() >= MOST_ENDED {
            self.ended.clear();
        }
        self.ended.insert(id.clone());
        self.in_flight.insert(id.clone());
        Some(id)
    }

    /// The broker has the message that ends `id`.
    pub(super) fn confirmed(&mut self, id: &ComponentId) {
        self.in_flight.remove(id);
    }

    /// The broker did not take it: it is due again.
    pub(super) fn nacked(&mut self, id: &ComponentId) {
        self.due.extend(self.in_flight.take(id));
    }

    /// The session was lost, and with it perhaps what was in flight.
    pub(super) fn session_lost(&mut self) {
        self.due.append(&mut self.in_flight);
    }
}
