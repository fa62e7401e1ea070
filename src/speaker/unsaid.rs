//! What a source made and the broker has not confirmed yet.

use std::collections::VecDeque;
use std::sync::Arc;

use super::author::Made;
use crate::message::Outgoing;
use crate::mov::log::Entry;

/// The messages of one tick, in order, and what is to be logged after them.
#[derive(Default)]
pub(super) struct Unsaid {
    messages: VecDeque<Arc<Outgoing>>,
    once_sent: Vec<Entry>,
}

impl Unsaid {
    pub(super) fn add(&mut self, made: Made) {
        self.messages.extend(made.messages.into_iter().map(Arc::new));
        self.once_sent.extend(made.once_sent);
    }

    pub(super) fn count(&self) -> usize {
        self.messages.len()
    }

    /// The message whose turn it is.
    pub(super) fn first(&self) -> Option<Arc<Outgoing>> {
        self.messages.front().cloned()
    }

    /// `message` is confirmed. A session that ends may confirm it too, and then it is gone already.
    pub(super) fn remove(&mut self, message: &Arc<Outgoing>) {
        if self.messages.front().is_some_and(|first| Arc::ptr_eq(first, message)) {
            self.messages.pop_front();
        }
    }

    /// What is to be logged, when all messages are confirmed.
    pub(super) fn take_once_sent(&mut self) -> Vec<Entry> {
        if self.messages.is_empty() { std::mem::take(&mut self.once_sent) } else { Vec::new() }
    }
}
