//! A connection to the stub broker.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use bytes::BufMut;
use echo_bench::config::INPUT_QUEUE;
use echo_bench::wire::{Arguments, Frame, FrameKind, Method, PROTOCOL_HEADER, PutString, ReadBuffer, WriteBuffer};

use super::{Shared, handshake};

/// Messages are confirmed in batches of this size, as by a busy broker.
const CONFIRM_BATCH: u64 = 16;

/// An incomplete batch is confirmed after this time without a message.
const CONFIRM_DELAY: Duration = Duration::from_millis(2);

pub(super) struct Session<'s> {
    stream: TcpStream,
    shared: &'s Shared,
    output: WriteBuffer,
    consumer: Option<Consumer>,
    /// The tags of the last delivery and of the last delivery that is acknowledged.
    delivered: u64,
    acknowledged: u64,
    /// By channel, the prefetch of later consumers.
    prefetch: HashMap<u16, u64>,
    /// By channel, the state of publisher confirms.
    confirms: HashMap<u16, Confirms>,
    /// By channel, bytes of the body being published that are still to come. Channels may interleave their frames.
    unreceived: HashMap<u16, usize>,
}

/// The consumer of the input queue.
struct Consumer {
    channel: u16,
    tag: String,
    prefetch: u64,
}

#[derive(Default)]
struct Confirms {
    published: u64,
    confirmed: u64,
}

impl<'s> Session<'s> {
    /// Reads the protocol header and starts the handshake.
    pub(super) fn start(mut stream: TcpStream, shared: &'s Shared) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.read_exact(&mut [0; PROTOCOL_HEADER.len()])?;
        stream.set_read_timeout(Some(CONFIRM_DELAY))?;
        let mut output = WriteBuffer::default();
        handshake::put_start(&mut output);
        output.flush(&mut stream)?;
        Ok(Self {
            stream,
            shared,
            output,
            consumer: None,
            delivered: 0,
            acknowledged: 0,
            prefetch: HashMap::new(),
            confirms: HashMap::new(),
            unreceived: HashMap::new(),
        })
    }

    /// Serves the client until it closes the socket.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut input = ReadBuffer::default();
        loop {
            match input.read_from(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.confirm(1),
                Err(error) => return Err(error),
            }
            while let Some(frame) = input.next_frame()? {
                self.handle_frame(frame);
            }
            self.deliver();
            self.output.flush(&mut self.stream)?;
        }
    }

    fn handle_frame(&mut self, frame: Frame<'_>) {
        match frame.kind {
            FrameKind::METHOD => {
                let (method, arguments) = frame.method();
                self.handle_method(frame.channel, method, arguments);
            }
            FrameKind::HEADER => {
                self.unreceived.insert(frame.channel, frame.body_size());
            }
            FrameKind::BODY => {
                let unreceived = self.unreceived.entry(frame.channel).or_default();
                *unreceived = unreceived.saturating_sub(frame.payload.len());
                if *unreceived == 0 {
                    self.message_published(frame.channel);
                }
            }
            _ => {}
        }
    }

    fn handle_method(&mut self, channel: u16, method: Method, mut arguments: Arguments<'_>) {
        let output = &mut self.output;
        match method {
            Method::CONNECTION_START_OK => handshake::put_tune(output),
            Method::CONNECTION_OPEN => {
                output.put_method(0, Method::CONNECTION_OPEN_OK, |bytes| bytes.put_short_string(""));
            }
            Method::CONNECTION_CLOSE => output.put_method(0, Method::CONNECTION_CLOSE_OK, |_| ()),
            Method::CHANNEL_OPEN => {
                output.put_method(channel, Method::CHANNEL_OPEN_OK, |bytes| bytes.put_long_string(b""));
            }
            Method::CHANNEL_CLOSE => output.put_method(channel, Method::CHANNEL_CLOSE_OK, |_| ()),
            Method::CONFIRM_SELECT => {
                self.confirms.insert(channel, Confirms::default());
                output.put_method(channel, Method::CONFIRM_SELECT_OK, |_| ());
            }
            Method::QUEUE_DECLARE => {
                arguments.short();
                let queue = arguments.short_string();
                output.put_method(channel, Method::QUEUE_DECLARE_OK, |bytes| {
                    bytes.put_short_string(queue);
                    bytes.put_u32(0);
                    bytes.put_u32(1);
                });
            }
            Method::BASIC_QOS => {
                arguments.long();
                self.prefetch.insert(channel, arguments.short().into());
                output.put_method(channel, Method::BASIC_QOS_OK, |_| ());
            }
            Method::BASIC_CONSUME => self.start_consumer(channel, arguments),
            Method::BASIC_CANCEL => {
                let tag = arguments.short_string();
                self.consumer.take_if(|consumer| consumer.channel == channel && consumer.tag == tag);
                output.put_method(channel, Method::BASIC_CANCEL_OK, |bytes| bytes.put_short_string(tag));
            }
            Method::BASIC_ACK => self.delivery_acknowledged(arguments.long_long()),
            _ => {}
        }
    }

    fn start_consumer(&mut self, channel: u16, mut arguments: Arguments<'_>) {
        arguments.short();
        let (queue, tag) = (arguments.short_string(), arguments.short_string());
        let tag = if tag.is_empty() { format!("stub-{channel}") } else { tag.to_owned() };
        self.output.put_method(channel, Method::BASIC_CONSUME_OK, |bytes| bytes.put_short_string(&tag));
        if queue == INPUT_QUEUE {
            self.shared.record_consumer();
            let prefetch = self.prefetch.get(&channel).copied().unwrap_or(u64::MAX);
            self.consumer = Some(Consumer { channel, tag, prefetch });
        }
    }

    /// All contestants acknowledge in order, so that `multiple` makes no difference.
    fn delivery_acknowledged(&mut self, tag: u64) {
        self.acknowledged = tag;
        if tag == self.shared.count {
            self.shared.record_last_ack();
        }
    }

    /// Delivers messages up to the prefetch.
    fn deliver(&mut self) {
        let Some(Consumer { channel, tag, prefetch }) = &self.consumer else { return };
        while self.delivered < self.shared.count && self.delivered - self.acknowledged < *prefetch {
            self.delivered += 1;
            self.output.put_method(*channel, Method::BASIC_DELIVER, |bytes| {
                bytes.put_short_string(tag);
                bytes.put_u64(self.delivered);
                bytes.put_u8(0);
                bytes.put_short_string("");
                bytes.put_short_string(INPUT_QUEUE);
            });
            self.output.put_header(*channel, self.shared.body.len(), true);
            self.output.put_body(*channel, &self.shared.body);
        }
    }

    fn message_published(&mut self, channel: u16) {
        if let Some(confirms) = self.confirms.get_mut(&channel) {
            confirms.published += 1;
            self.confirm(CONFIRM_BATCH);
        }
    }

    /// Confirms the messages of each channel that has at least `minimum` unconfirmed ones.
    fn confirm(&mut self, minimum: u64) {
        for (channel, confirms) in &mut self.confirms {
            if confirms.published - confirms.confirmed >= minimum {
                confirms.confirmed = confirms.published;
                self.output.put_ack_multiple(*channel, confirms.confirmed);
            }
        }
    }
}
