//! What is known of the shared client.

use super::taps::Taps;

#[derive(Debug, Default)]
pub(crate) struct SharedClient {
    is_connected: bool,
    /// How often it had a broker.
    connects: u64,
    pub(crate) taps: Taps,
}

impl SharedClient {
    /// It has a broker; returned are the queues whose consumers come back with it.
    pub(crate) fn connect(&mut self) -> Vec<String> {
        self.is_connected = true;
        self.connects += 1;
        self.taps.recover()
    }

    pub(crate) fn lose(&mut self) {
        self.is_connected = false;
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_connected
    }

    /// How often it found a lost broker again.
    pub(crate) fn reconnects(&self) -> u64 {
        self.connects.saturating_sub(1)
    }
}
