//! What is going to happen, and when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::broker::{ConnectionId, LinkId};
use crate::faults::Fault;
use crate::mov::MovEvent;
use crate::scheduler::TaskId;
use crate::world::Micros;

/// Something that happens at its time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A thread continues.
    Resume {
        task: TaskId,
        generation: u64,
    },
    /// A timer of a process is due.
    Timer(usize),
    /// The next frame on a connection arrives at the broker.
    ToBroker(ConnectionId),
    /// The next frame on a connection arrives at the client.
    ToClient(ConnectionId),
    /// The client notices that its connection is lost.
    ClientNotices(ConnectionId),
    /// The broker notices that a connection is lost.
    BrokerNotices(ConnectionId),
    /// The session of a process goes on without a connection, or it would have ended.
    NotMissed(ConnectionId),
    /// The broker confirms what it has stored for a link.
    Confirm(LinkId),
    /// The delay of a message in this queue has passed.
    Expire(std::sync::Arc<str>),
    /// The broker is up again.
    BrokerUp,
    Mov(MovEvent),
    /// Somebody publishes the next input.
    Input,
    Fault(Fault),
    /// A process starts on a host that has none.
    Start {
        host: usize,
    },
    /// A process is told to stop.
    Stop {
        process: usize,
    },
    /// The state of the world is looked at.
    Look,
    /// The faults end.
    Heal,
}

/// The events in the order of their times; the random part of the key decides between those of the same time.
#[derive(Default)]
pub(crate) struct Agenda {
    heap: BinaryHeap<Entry>,
    count: u64,
}

struct Entry {
    key: (Micros, u32, u64),
    event: Event,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Micros, tie: u32, event: Event) {
        self.count += 1;
        self.heap.push(Entry { key: (at, tie, self.count), event });
    }

    pub(crate) fn next(&mut self) -> Option<(Micros, Event)> {
        self.heap.pop().map(|entry| (entry.key.0, entry.event))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry {}
