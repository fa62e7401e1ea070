//! Tickets: how the thread of an outlet tells the thread of a consumer that a message has arrived.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use parking_lot::Mutex;

/// Stands for a message that was handed over to an outlet for a delivery.
#[derive(Debug)]
pub(crate) struct Ticket {
    tag: u64,
    tickets: Arc<Tickets>,
}

/// The answered tickets of one consumer thread in one session.
#[derive(Debug)]
pub(crate) struct Tickets {
    answered: Mutex<Vec<(u64, bool)>>,
    signal: (Sender<()>, Receiver<()>),
}

impl Default for Tickets {
    fn default() -> Self {
        Self { answered: Mutex::default(), signal: crossbeam_channel::bounded(1) }
    }
}

impl Tickets {
    /// A ticket for a message of the delivery `tag`.
    pub(crate) fn issue(self: &Arc<Self>, tag: u64) -> Ticket {
        Ticket { tag, tickets: Arc::clone(self) }
    }

    /// The tags of the tickets that were answered since the last call, and whether their messages were accepted.
    pub(crate) fn take(&self) -> Vec<(u64, bool)> {
        std::mem::take(&mut self.answered.lock())
    }

    /// Signals that a ticket was answered.
    pub(crate) fn answered(&self) -> &Receiver<()> {
        &self.signal.1
    }
}

impl Ticket {
    /// The message has arrived, or it is dropped; or, if not `accepted`, its delivery must be delivered again.
    pub(crate) fn answer(self, accepted: bool) {
        self.tickets.answered.lock().push((self.tag, accepted));
        // If there is a signal already, the consumer has not received it yet.
        let _ = self.tickets.signal.0.try_send(());
    }
}
