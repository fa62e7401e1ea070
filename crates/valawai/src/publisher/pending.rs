//! The messages of a periodic publisher that are not confirmed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::handler_thread::Published;
use crate::message::Outgoing;
use crate::mov::log::Entry;

/// The messages of one call, in order, and what to log when they are confirmed.
#[derive(Default)]
pub(super) struct Pending {
    messages: VecDeque<Arc<Outgoing>>,
    on_confirm: Vec<Entry>,
}

impl Pending {
    pub(super) fn add(&mut self, published: Published) {
        self.messages.extend(published.messages.into_iter().map(Arc::new));
        self.on_confirm.extend(published.on_confirm);
    }

    pub(super) fn count(&self) -> usize {
        self.messages.len()
    }

    /// The next message to publish.
    pub(super) fn first(&self) -> Option<Arc<Outgoing>> {
        self.messages.front().cloned()
    }

    /// Removes `message`, which is confirmed. A session that ends may confirm it as well, so it may be gone.
    pub(super) fn remove(&mut self, message: &Arc<Outgoing>) {
        if self.messages.front().is_some_and(|first| Arc::ptr_eq(first, message)) {
            self.messages.pop_front();
        }
    }

    /// What to log, once all messages are confirmed.
    pub(super) fn take_on_confirm(&mut self) -> Vec<Entry> {
        if self.messages.is_empty() { std::mem::take(&mut self.on_confirm) } else { Vec::new() }
    }
}
