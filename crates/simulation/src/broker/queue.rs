//! Queues.

use std::collections::BTreeMap;
use std::sync::Arc;

use valawai::internals::broker::OwnQueue;
use valawai::internals::message::Message;

use super::LinkId;
use crate::world::Micros;

/// What a queue is to the simulated component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Input,
    Output,
    Retry,
    DeadLetters,
    Other,
}

/// A message in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) message: Message,
    pub(crate) is_persistent: bool,
    /// The number of the input that it is, or that it replies to.
    pub(crate) input: Option<usize>,
    pub(crate) added: Micros,
    /// When the broker drops it.
    pub(crate) expires_at: Option<Micros>,
    /// Whether its publisher was told that it is stored.
    pub(crate) is_confirmed: bool,
}

/// The messages that wait, by position: one that returns goes back to its place.
#[derive(Default)]
pub(crate) struct Ready(BTreeMap<u64, Stored>);

/// A durable queue.
#[expect(clippy::struct_excessive_bools, reason = "faults combine them in any way")]
pub(crate) struct Queue {
    pub(crate) kind: Kind,
    pub(crate) ready: Ready,
    next_position: u64,
    pub(crate) consumers: Vec<(LinkId, usize)>,
    pub(crate) next_consumer: usize,
    pub(crate) is_exclusive: bool,
    /// The MOV consumes it.
    pub(crate) is_of_mov: bool,
    pub(crate) mov_is_busy: bool,
    pub(crate) delay: Option<(Micros, Arc<str>)>,
    pub(crate) expires_after: Option<Micros>,
    pub(crate) newest_only: bool,
    pub(crate) last_used: Micros,
    /// It rejects what is published, as if it were full.
    pub(crate) rejects: bool,
    /// Its node is down.
    pub(crate) is_node_down: bool,
    /// It exists with other arguments than the component wants.
    pub(crate) is_denied: bool,
}

impl Queue {
    pub(super) fn new(kind: Kind, now: Micros) -> Self {
        Self {
            kind,
            ready: Ready::default(),
            next_position: 1,
            consumers: Vec::new(),
            next_consumer: 0,
            is_exclusive: false,
            is_of_mov: false,
            mov_is_busy: false,
            delay: None,
            expires_after: None,
            newest_only: false,
            last_used: now,
            rejects: false,
            is_node_down: false,
            is_denied: false,
        }
    }

    pub(super) fn set_arguments(&mut self, options: &OwnQueue<'_>) {
        self.delay = options.delay.map(|(after, to)| (Micros::from(after) * 1000, to.into()));
        self.expires_after = options.expires_after_ms.map(|after| Micros::from(after) * 1000);
        self.newest_only = options.newest_only;
    }

    /// Adds a message. Returns its position, and the messages for which there is no space any more.
    pub(super) fn add(&mut self, stored: Stored) -> (u64, Vec<Stored>) {
        let position = self.next_position;
        self.next_position += 1;
        self.ready.0.insert(position, stored);
        (position, self.surplus())
    }

    pub(super) fn put_back(&mut self, position: u64, stored: Stored) -> Vec<Stored> {
        self.ready.0.insert(position, stored);
        self.surplus()
    }

    fn surplus(&mut self) -> Vec<Stored> {
        let mut dropped = Vec::new();
        while self.newest_only && self.ready.len() > 1 {
            dropped.extend(self.ready.pop_first().map(|(_, stored)| stored));
        }
        dropped
    }

    /// How many consumers it has.
    pub(crate) fn consumer_count(&self) -> u32 {
        u32::try_from(self.consumers.len()).unwrap_or(u32::MAX) + u32::from(self.is_of_mov)
    }
}

impl Ready {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn first(&self) -> Option<&Stored> {
        self.0.values().next()
    }

    pub(crate) fn pop_first(&mut self) -> Option<(u64, Stored)> {
        self.0.pop_first()
    }

    pub(crate) fn pop_first_if(&mut self, condition: impl Fn(&Stored) -> bool) -> Option<(u64, Stored)> {
        if self.first().is_some_and(condition) { self.pop_first() } else { None }
    }

    pub(crate) fn get_mut(&mut self, position: u64) -> Option<&mut Stored> {
        self.0.get_mut(&position)
    }

    /// Removes those for which `condition` holds.
    pub(crate) fn remove_if(&mut self, mut condition: impl FnMut(&Stored) -> bool) -> Vec<Stored> {
        self.0.extract_if(.., |_, stored| condition(stored)).map(|(_, stored)| stored).collect()
    }
}
