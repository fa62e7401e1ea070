//! Publishes many messages, quickly.

use std::io;

use echo_bench::confirms::Confirms;
use echo_bench::wire::{Address, Client, METHOD, Method, Outbox};

const CHANNEL: u16 = 1;

/// Published and not confirmed at the most.
const WINDOW: u64 = 4096;

/// Bytes that are written at once.
const CHUNK: usize = 256 * 1024;

/// A connection to publish on.
#[derive(Debug)]
pub(crate) struct Filler {
    client: Client,
    published: u64,
    confirms: Confirms,
}

impl Filler {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        client.confirm(CHANNEL)?;
        Ok(Self { client, published: 0, confirms: Confirms::default() })
    }

    /// Publishes `body` on `queue`, so many times, and waits until the broker has them all.
    pub(crate) fn fill(&mut self, queue: &str, body: &[u8], count: u64, persistent: bool) -> io::Result<()> {
        let message = message(queue, body, persistent);
        let last = self.published + count;
        while self.published < last {
            while self.client.outbox.waiting().len() < CHUNK && self.published < last {
                self.put(&message);
            }
            self.client.outbox.flush(&mut self.client.stream)?;
            self.await_confirms(self.published.saturating_sub(WINDOW))?;
        }
        self.await_confirms(last)
    }

    fn put(&mut self, message: &[u8]) {
        self.client.outbox.copy(message);
        self.confirms.published();
        self.published += 1;
    }

    /// Waits until so many are confirmed, without a gap.
    fn await_confirms(&mut self, count: u64) -> io::Result<()> {
        let Self { client, confirms, .. } = self;
        loop {
            while let Some(frame) = client.inbox.take()? {
                if frame.kind == METHOD
                    && let (Method::BASIC_ACK, mut arguments) = frame.method()
                {
                    confirms.confirmed(arguments.long_long(), arguments.octet() == 1);
                }
            }
            confirms.settle();
            if confirms.settled >= count {
                return Ok(());
            }
            client.inbox.fill(&mut client.stream)?;
        }
    }
}

/// The frames of one message.
pub(super) fn message(queue: &str, body: &[u8], persistent: bool) -> Vec<u8> {
    let mut message = Outbox::default();
    message.publish(CHANNEL, queue);
    message.header(CHANNEL, body.len(), persistent);
    message.body(CHANNEL, body);
    message.waiting().to_vec()
}
