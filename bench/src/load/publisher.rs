//! Publishes many messages quickly.

use std::io;

use echo_bench::confirms::Confirms;
use echo_bench::wire::{Address, Client, FrameKind, Method, WriteBuffer};

const CHANNEL: u16 = 1;

/// The most messages in flight.
const MAX_IN_FLIGHT: u64 = 4096;

/// Frames are buffered up to this many bytes before they are written.
const WRITE_SIZE: usize = 256 * 1024;

/// A connection for publishing with confirms.
#[derive(Debug)]
pub(crate) struct Publisher {
    client: Client,
    published: u64,
    confirms: Confirms,
}

impl Publisher {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        let mut client = Client::connect(address)?;
        client.open_channel(CHANNEL)?;
        client.enable_confirms(CHANNEL)?;
        Ok(Self { client, published: 0, confirms: Confirms::default() })
    }

    /// Publishes `body` to `queue` `count` times and waits until all messages are confirmed.
    pub(crate) fn publish(&mut self, queue: &str, body: &[u8], count: u64, persistent: bool) -> io::Result<()> {
        let message = encode_message(CHANNEL, queue, body, persistent);
        let last = self.published + count;
        while self.published < last {
            while self.client.output.unwritten().len() < WRITE_SIZE && self.published < last {
                self.buffer(&message);
            }
            self.client.output.flush(&mut self.client.stream)?;
            self.await_confirms(self.published.saturating_sub(MAX_IN_FLIGHT))?;
        }
        self.await_confirms(last)
    }

    fn buffer(&mut self, message: &[u8]) {
        self.client.output.put_encoded(message);
        self.confirms.published();
        self.published += 1;
    }

    /// Waits until the first `count` messages are confirmed.
    fn await_confirms(&mut self, count: u64) -> io::Result<()> {
        let Self { client, confirms, .. } = self;
        loop {
            while let Some(frame) = client.input.next_frame()? {
                if frame.kind == FrameKind::METHOD
                    && let (Method::BASIC_ACK, mut arguments) = frame.method()
                {
                    confirms.acked(arguments.long_long(), arguments.octet() == 1);
                }
            }
            confirms.advance();
            if confirms.confirmed() >= count {
                return Ok(());
            }
            client.input.read_from(&mut client.stream)?;
        }
    }
}

/// The encoded frames of a message.
pub(super) fn encode_message(channel: u16, queue: &str, body: &[u8], persistent: bool) -> Vec<u8> {
    let mut message = WriteBuffer::default();
    message.put_publish(channel, queue);
    message.put_header(channel, body.len(), persistent);
    message.put_body(channel, body);
    message.unwritten().to_vec()
}
