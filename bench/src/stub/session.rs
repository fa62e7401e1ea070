//! One connection to the stub.

use std::collections::HashMap;
use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

use echo_bench::setting::HEARD;
use echo_bench::wire::{Arguments, BODY, Frame, HEADER, Inbox, METHOD, Method, Outbox, PutExt};

use super::{Shared, greeting};

/// Answers are confirmed together, so many at a time, as a busy broker does it.
const BATCH: u64 = 16;

/// What is left is confirmed when nothing has come for so long.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) struct Session<'s> {
    stream: TcpStream,
    shared: &'s Shared,
    outbox: Outbox,
    hearing: Option<Hearing>,
    /// Messages handed out on this connection, and how many of them are acknowledged.
    sent: u64,
    settled: u64,
    /// Asked for on a channel, for the consumers to come.
    prefetch: HashMap<u16, u64>,
    confirming: HashMap<u16, Confirming>,
    /// Bytes still to come of the message that is being published on a channel: those of two may be mixed.
    missing: HashMap<u16, usize>,
}

/// Somebody hears, on this channel.
struct Hearing {
    channel: u16,
    tag: String,
    prefetch: u64,
}

/// What is published on a channel is confirmed.
#[derive(Default)]
struct Confirming {
    published: u64,
    confirmed: u64,
}

impl<'s> Session<'s> {
    pub(super) fn begin(mut stream: TcpStream, shared: &'s Shared) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.read_exact(&mut [0; 8])?;
        stream.set_read_timeout(Some(PAUSE))?;
        let mut outbox = Outbox::default();
        greeting::start(&mut outbox);
        outbox.flush(&mut stream)?;
        let confirming = HashMap::new();
        Ok(Self {
            stream,
            shared,
            outbox,
            hearing: None,
            sent: 0,
            settled: 0,
            prefetch: HashMap::new(),
            confirming,
            missing: HashMap::new(),
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        let mut inbox = Inbox::default();
        loop {
            match inbox.fill(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.confirm(1),
                Err(error) => return Err(error),
            }
            while let Some(frame) = inbox.take()? {
                self.take(frame);
            }
            self.hand_out();
            self.outbox.flush(&mut self.stream)?;
        }
    }

    fn take(&mut self, frame: Frame<'_>) {
        match frame.kind {
            METHOD => {
                let (method, arguments) = frame.method();
                self.answer(frame.channel, method, arguments);
            }
            HEADER => {
                self.missing.insert(frame.channel, frame.body_size());
            }
            BODY => {
                let missing = self.missing.entry(frame.channel).or_default();
                *missing = missing.saturating_sub(frame.payload.len());
                if *missing == 0 {
                    self.published(frame.channel);
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, channel: u16, method: Method, mut arguments: Arguments<'_>) {
        let outbox = &mut self.outbox;
        match method {
            Method::CONNECTION_START_OK => greeting::tune(outbox),
            Method::CONNECTION_OPEN => outbox.method(0, Method::CONNECTION_OPEN_OK, |bytes| bytes.put_text("")),
            Method::CONNECTION_CLOSE => outbox.method(0, Method::CONNECTION_CLOSE_OK, |_| ()),
            Method::CHANNEL_OPEN => outbox.method(channel, Method::CHANNEL_OPEN_OK, |bytes| bytes.put_long_text(b"")),
            Method::CHANNEL_CLOSE => outbox.method(channel, Method::CHANNEL_CLOSE_OK, |_| ()),
            Method::CONFIRM_SELECT => {
                self.confirming.insert(channel, Confirming::default());
                outbox.method(channel, Method::CONFIRM_SELECT_OK, |_| ());
            }
            Method::QUEUE_DECLARE => {
                arguments.short();
                let queue = arguments.text();
                outbox.method(channel, Method::QUEUE_DECLARE_OK, |bytes| {
                    bytes.put_text(queue);
                    bytes.put(0_u32);
                    bytes.put(1_u32);
                });
            }
            Method::BASIC_QOS => {
                arguments.long();
                self.prefetch.insert(channel, arguments.short().into());
                outbox.method(channel, Method::BASIC_QOS_OK, |_| ());
            }
            Method::BASIC_CONSUME => self.begin_to_hear(channel, arguments),
            Method::BASIC_CANCEL => {
                let tag = arguments.text();
                self.hearing.take_if(|hearing| hearing.channel == channel && hearing.tag == tag);
                outbox.method(channel, Method::BASIC_CANCEL_OK, |bytes| bytes.put_text(tag));
            }
            Method::BASIC_ACK => self.settle(arguments.long_long()),
            _ => {}
        }
    }

    fn begin_to_hear(&mut self, channel: u16, mut arguments: Arguments<'_>) {
        arguments.short();
        let (queue, tag) = (arguments.text(), arguments.text());
        let tag = if tag.is_empty() { format!("stub-{channel}") } else { tag.to_owned() };
        self.outbox.method(channel, Method::BASIC_CONSUME_OK, |bytes| bytes.put_text(&tag));
        if queue == HEARD {
            self.shared.note(|times, now| times.heard = Some(now));
            let prefetch = self.prefetch.get(&channel).copied().unwrap_or(u64::MAX);
            self.hearing = Some(Hearing { channel, tag, prefetch });
        }
    }

    /// All contestants acknowledge in order, so what is before `tag` is acknowledged too.
    fn settle(&mut self, tag: u64) {
        self.settled = tag;
        if tag == self.shared.count {
            self.shared.note(|times, now| times.done = Some(now));
        }
    }

    fn hand_out(&mut self) {
        let Some(Hearing { channel, tag, prefetch }) = &self.hearing else { return };
        while self.sent < self.shared.count && self.sent - self.settled < *prefetch {
            self.sent += 1;
            self.outbox.method(*channel, Method::BASIC_DELIVER, |bytes| {
                bytes.put_text(tag);
                bytes.put(self.sent);
                bytes.put(0_u8);
                bytes.put_text("");
                bytes.put_text(HEARD);
            });
            self.outbox.header(*channel, self.shared.body.len(), true);
            self.outbox.body(*channel, &self.shared.body);
        }
    }

    fn published(&mut self, channel: u16) {
        if let Some(confirming) = self.confirming.get_mut(&channel) {
            confirming.published += 1;
            self.confirm(BATCH);
        }
    }

    /// Confirms where at least so many are not confirmed.
    fn confirm(&mut self, least: u64) {
        for (channel, confirming) in &mut self.confirming {
            if confirming.published - confirming.confirmed >= least {
                confirming.confirmed = confirming.published;
                self.outbox.acknowledge_up_to(*channel, confirming.confirmed);
            }
        }
    }
}
