//! Whether anything happens on a link.

use std::time::{Duration, Instant};

use crate::broker::amqp::operator::OperatorLink;

/// How long nothing may arrive, not even a part of a message, before a queue is looked at: another consumer may have taken its
/// messages.
pub(in crate::commands) const QUIET: Duration = Duration::from_secs(1);

/// The size of a heartbeat, in bytes. It is no part of a message.
const HEARTBEAT: u64 = 8;

/// When something last happened on a link: an event, or the arrival of a part of a message, since a large one takes a while.
pub(in crate::commands) struct Activity {
    last: Instant,
    bytes_read: u64,
}

impl Activity {
    pub(in crate::commands) fn new() -> Self {
        Self { last: Instant::now(), bytes_read: 0 }
    }

    /// Records an event.
    pub(in crate::commands) fn record(&mut self) {
        self.last = Instant::now();
    }

    /// How long nothing has happened. To be called often: what has arrived counts from the call that sees it.
    pub(in crate::commands) fn idle(&mut self, link: &OperatorLink<'_>) -> Duration {
        let bytes_read = link.bytes_read();
        if bytes_read - self.bytes_read > HEARTBEAT {
            self.record();
        }
        self.bytes_read = bytes_read;
        self.last.elapsed()
    }
}
