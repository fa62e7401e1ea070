//! Prepares the queues.

use std::io;
use std::thread;
use std::time::Duration;

use echo_bench::setting::{HEARD, LOG, SAID};
use echo_bench::wire::{Address, Client};

const CHANNEL: u16 = 1;

/// A connection to prepare queues on.
#[derive(Debug)]
pub(crate) struct Admin {
    client: Client,
}

impl Admin {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        Ok(Self { client })
    }

    /// Makes the queue that is heard anew.
    pub(crate) fn renew_heard(&mut self) -> io::Result<()> {
        self.renew(HEARD, true)
    }

    /// Makes the queues that are said to anew. What is said is only kept on disk if its queue is `durable`, so nobody
    /// has to be told which kind of messages are measured.
    pub(crate) fn renew_said(&mut self, durable: bool) -> io::Result<()> {
        self.renew(SAID, durable)?;
        self.renew(LOG, true)
    }

    /// How many messages wait to be heard, and how many consumers there are.
    pub(crate) fn heard(&mut self) -> io::Result<(u32, u32)> {
        self.client.declare(CHANNEL, HEARD, true)
    }

    /// Waits until exactly `count` consumers hear.
    pub(crate) fn await_consumers(&mut self, count: u32) -> io::Result<()> {
        for _ in 0..2000 {
            if self.heard()?.1 == count {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::other(format!("there are not {count} consumers")))
    }

    fn renew(&mut self, queue: &str, durable: bool) -> io::Result<()> {
        self.client.delete(CHANNEL, queue)?;
        self.client.declare(CHANNEL, queue, durable).map(drop)
    }
}
