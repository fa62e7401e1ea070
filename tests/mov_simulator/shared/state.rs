//! What is known of the shared client.

use std::time::Instant;

use super::taps::Taps;

#[derive(Debug, Default)]
pub(crate) struct SharedClient {
    broker: Broker,
    /// How often it had a broker.
    connects: u64,
    pub(crate) taps: Taps,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Broker {
    /// It was never connected.
    #[default]
    Awaited,
    Connected,
    Lost(Instant),
    /// It was lost for too long.
    GivenUp,
}

impl SharedClient {
    /// It has a broker; returned are the queues whose consumers come back with it.
    pub(crate) fn connect(&mut self) -> Vec<String> {
        self.broker = Broker::Connected;
        self.connects += 1;
        self.taps.recover()
    }

    /// It has none; returned is since when, if it had one before.
    pub(crate) fn lose(&mut self) -> Option<Instant> {
        if self.broker == Broker::Connected {
            self.broker = Broker::Lost(Instant::now());
        }
        if let Broker::Lost(since) = self.broker { Some(since) } else { None }
    }

    pub(crate) fn give_up(&mut self) {
        self.broker = Broker::GivenUp;
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.broker == Broker::Connected
    }

    pub(crate) fn has_given_up(&self) -> bool {
        self.broker == Broker::GivenUp
    }

    /// How often it found a lost broker again.
    pub(crate) fn reconnects(&self) -> u64 {
        self.connects.saturating_sub(1)
    }
}
