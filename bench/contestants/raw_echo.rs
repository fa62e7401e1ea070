//! The ceiling: one thread, two sockets, large buffers, no client library, no JSON.
//!
//! Like the component it acknowledges a message after its reply was confirmed. It handles no errors: any fault ends the
//! process.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;

use bytes::BufMut;
use echo_bench::config::{Config, INPUT_QUEUE, LOG_QUEUE, OUTPUT_QUEUE};
use echo_bench::confirms::Confirms;
use echo_bench::wire::{Client, Frame, FrameKind, Method, PutString, ReadBuffer, WriteBuffer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const CHANNEL: u16 = 1;
const LOG_CHANNEL: u16 = 2;

fn main() -> io::Result<()> {
    let config = Config::from_env();
    let mut consumer = Client::connect(&config.address)?;
    let mut publisher = Client::connect(&config.address)?;
    for channel in [CHANNEL, LOG_CHANNEL] {
        publisher.open_channel(channel)?;
    }
    publisher.enable_confirms(CHANNEL)?;
    consumer.open_channel(CHANNEL)?;
    consumer.declare_queue(CHANNEL, INPUT_QUEUE, true)?;
    consumer.consume(CHANNEL, INPUT_QUEUE, config.prefetch)?;
    for client in [&consumer, &publisher] {
        client.stream.set_nonblocking(true)?;
    }
    Echo::new(consumer, publisher, config.logs).run()
}

struct Echo {
    consumer: Client,
    publisher: Client,
    /// The encoded `basic.publish`, which is the same for all replies.
    publish: Vec<u8>,
    confirms: Confirms,
    logs: Option<Logs>,
}

impl Echo {
    fn new(consumer: Client, publisher: Client, logs: bool) -> Self {
        let mut publish = WriteBuffer::default();
        publish.put_publish(CHANNEL, OUTPUT_QUEUE);
        let publish = publish.unwritten().to_vec();
        Self { consumer, publisher, publish, confirms: Confirms::default(), logs: logs.then(Logs::default) }
    }

    fn run(mut self) -> io::Result<()> {
        loop {
            while let Some(frame) = self.consumer.input.next_frame()? {
                let output = &mut self.publisher.output;
                echo(frame, output, &self.publish, self.logs.as_mut(), &mut self.confirms)?;
            }
            while let Some(frame) = self.publisher.input.next_frame()? {
                let (Method::BASIC_ACK, mut arguments) = frame.method() else {
                    return Err(io::Error::other("the broker did not confirm a reply"));
                };
                self.confirms.acked(arguments.long_long(), arguments.octet() == 1);
            }
            let confirmed = self.confirms.advance();
            if let Some(logs) = &mut self.logs {
                logs.replies_confirmed(confirmed, &mut self.publisher.output);
            }
            if confirmed > 0 {
                self.consumer.output.put_ack_multiple(CHANNEL, self.confirms.confirmed());
            }
            self.transfer()?;
        }
    }

    /// Writes buffered frames, waits until a socket is readable or a blocked one is writable, and reads.
    fn transfer(&mut self) -> io::Result<()> {
        let pollout_unless = |flushed| if flushed { PollFlags::empty() } else { PollFlags::POLLOUT };
        let consumer = PollFlags::POLLIN | pollout_unless(self.consumer.output.flush(&mut self.consumer.stream)?);
        let publisher = PollFlags::POLLIN | pollout_unless(self.publisher.output.flush(&mut self.publisher.stream)?);
        let mut sockets = [
            PollFd::new(self.consumer.stream.as_fd(), consumer),
            PollFd::new(self.publisher.stream.as_fd(), publisher),
        ];
        poll(&mut sockets, PollTimeout::NONE)?;
        let [consumer_ready, publisher_ready] =
            sockets.map(|socket| socket.revents().is_some_and(|events| !events.is_empty()));
        if consumer_ready {
            read_available(&mut self.consumer.input, &mut self.consumer.stream)?;
        }
        if publisher_ready {
            read_available(&mut self.publisher.input, &mut self.publisher.stream)?;
        }
        Ok(())
    }
}

fn read_available(input: &mut ReadBuffer, stream: &mut TcpStream) -> io::Result<()> {
    match input.read_from(stream) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Appends to `output` the part of the reply that corresponds to this frame of a delivery.
fn echo(
    frame: Frame<'_>,
    output: &mut WriteBuffer,
    publish: &[u8],
    logs: Option<&mut Logs>,
    confirms: &mut Confirms,
) -> io::Result<()> {
    match frame.kind {
        FrameKind::METHOD if frame.method().0 == Method::BASIC_DELIVER => {
            output.put_encoded(publish);
            confirms.published();
        }
        FrameKind::HEADER => {
            output.put_header(CHANNEL, frame.body_size(), true);
            if let Some(logs) = logs {
                logs.unreceived = frame.body_size();
            }
        }
        FrameKind::BODY => {
            output.put_encoded(frame.encoded);
            if let Some(logs) = logs {
                logs.body_received(frame.payload, output);
            }
        }
        _ => return Err(io::Error::other("the broker sent a frame that is not part of a delivery")),
    }
    Ok(())
}

/// Publishes the two log messages that the component publishes for each echo.
#[derive(Default)]
struct Logs {
    /// Bytes of the current body that are still to come.
    unreceived: usize,
    /// The current body, escaped as a JSON string.
    payload: Vec<u8>,
    /// Payloads whose replies are not confirmed yet.
    unconfirmed: VecDeque<Vec<u8>>,
}

impl Logs {
    fn body_received(&mut self, part: &[u8], output: &mut WriteBuffer) {
        self.unreceived -= part.len();
        for byte in part {
            if matches!(byte, b'"' | b'\\') {
                self.payload.push(b'\\');
            }
            self.payload.push(*byte);
        }
        if self.unreceived == 0 {
            let payload = std::mem::take(&mut self.payload);
            put_log(output, "Received a message to echo", &payload);
            self.unconfirmed.push_back(payload);
        }
    }

    fn replies_confirmed(&mut self, count: usize, output: &mut WriteBuffer) {
        for payload in self.unconfirmed.drain(..count) {
            put_log(output, "Sent Echoed message", &payload);
        }
    }
}

fn put_log(output: &mut WriteBuffer, message: &str, payload: &[u8]) {
    const OVERHEAD: usize = r#"{"level":"INFO","message":"","payload":""}"#.len();
    output.put_method(LOG_CHANNEL, Method::BASIC_PUBLISH, |bytes| {
        bytes.put_u16(0);
        bytes.put_short_string("");
        bytes.put_short_string(LOG_QUEUE);
        bytes.put_u8(0);
    });
    output.put_header(LOG_CHANNEL, OVERHEAD + message.len() + payload.len(), false);
    output.put_frame(FrameKind::BODY, LOG_CHANNEL, |bytes| {
        bytes.extend_from_slice(br#"{"level":"INFO","message":""#);
        bytes.extend_from_slice(message.as_bytes());
        bytes.extend_from_slice(br#"","payload":""#);
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(br#""}"#);
    });
}
