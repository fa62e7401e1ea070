//! The state of the shared client, over which the MOV forwards messages and publishes everything but pages.

use std::time::Instant;

use super::source_queues::SourceQueues;

#[derive(Debug, Default)]
pub(crate) struct SharedClient {
    link: Link,
    /// How often it has connected.
    connects: u64,
    pub(crate) source_queues: SourceQueues,
}

/// Its connection to the broker.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Link {
    #[default]
    NeverConnected,
    Connected,
    LostSince(Instant),
    /// The outage was too long.
    GivenUp,
}

impl SharedClient {
    /// Records a new connection, and returns the queues whose consumers are restored on it.
    pub(crate) fn connected(&mut self) -> Vec<String> {
        self.link = Link::Connected;
        self.connects += 1;
        self.source_queues.recover()
    }

    /// Records that there is no connection, and returns the beginning of the outage if there was one before.
    pub(crate) fn disconnected(&mut self) -> Option<Instant> {
        if self.link == Link::Connected {
            self.link = Link::LostSince(Instant::now());
        }
        if let Link::LostSince(time) = self.link { Some(time) } else { None }
    }

    pub(crate) fn give_up(&mut self) {
        self.link = Link::GivenUp;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link == Link::Connected
    }

    pub(crate) fn has_given_up(&self) -> bool {
        self.link == Link::GivenUp
    }

    pub(crate) fn reconnects(&self) -> u64 {
        self.connects.saturating_sub(1)
    }
}
