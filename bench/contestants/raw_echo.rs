//! The ceiling: one thread, two sockets, large buffers, frames by hand, and not a look into a message.
//!
//! It gives the component's guarantee (a message is acknowledged after its answer was confirmed), but nothing else of
//! it: any trouble ends it.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;

use echo_bench::confirms::Confirms;
use echo_bench::setting::{HEARD, LOG, SAID, Setting};
use echo_bench::wire::{BODY, Client, Frame, HEADER, Inbox, METHOD, Method, Outbox, PutExt};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const CHANNEL: u16 = 1;
const LOG_CHANNEL: u16 = 2;

fn main() -> io::Result<()> {
    let setting = Setting::from_environment();
    let mut hearing = Client::connect(&setting.address)?;
    let mut saying = Client::connect(&setting.address)?;
    for channel in [CHANNEL, LOG_CHANNEL] {
        saying.open_channel(channel)?;
    }
    saying.confirm(CHANNEL)?;
    hearing.open_channel(CHANNEL)?;
    hearing.declare(CHANNEL, HEARD, true)?;
    hearing.consume(CHANNEL, HEARD, setting.prefetch)?;
    for client in [&hearing, &saying] {
        client.stream.set_nonblocking(true)?;
    }
    Echo::new(hearing, saying, setting.logs).run()
}

struct Echo {
    hearing: Client,
    saying: Client,
    publish: Vec<u8>,
    confirms: Confirms,
    logs: Option<Logs>,
}

impl Echo {
    fn new(hearing: Client, saying: Client, logs: bool) -> Self {
        let mut publish = Outbox::default();
        publish.publish(CHANNEL, SAID);
        let publish = publish.waiting().to_vec();
        Self { hearing, saying, publish, confirms: Confirms::default(), logs: logs.then(Logs::default) }
    }

    fn run(mut self) -> io::Result<()> {
        loop {
            while let Some(frame) = self.hearing.inbox.take()? {
                hear(frame, &mut self.saying.outbox, &self.publish, self.logs.as_mut(), &mut self.confirms)?;
            }
            while let Some(frame) = self.saying.inbox.take()? {
                let (Method::BASIC_ACK, mut arguments) = frame.method() else {
                    return Err(io::Error::other("an answer was not taken"));
                };
                self.confirms.confirmed(arguments.long_long(), arguments.octet() == 1);
            }
            let confirmed = self.confirms.settle();
            if let Some(logs) = &mut self.logs {
                logs.sent(confirmed, &mut self.saying.outbox);
            }
            if confirmed > 0 {
                self.hearing.outbox.acknowledge_up_to(CHANNEL, self.confirms.settled);
            }
            self.exchange()?;
        }
    }

    /// Writes what there is to write, and waits for something to read.
    fn exchange(&mut self) -> io::Result<()> {
        let writing = |flushed| if flushed { PollFlags::empty() } else { PollFlags::POLLOUT };
        let hearing = PollFlags::POLLIN | writing(self.hearing.outbox.flush(&mut self.hearing.stream)?);
        let saying = PollFlags::POLLIN | writing(self.saying.outbox.flush(&mut self.saying.stream)?);
        let mut sockets =
            [PollFd::new(self.hearing.stream.as_fd(), hearing), PollFd::new(self.saying.stream.as_fd(), saying)];
        poll(&mut sockets, PollTimeout::NONE)?;
        let [hears, says] = sockets.map(|socket| socket.revents().is_some_and(|found| !found.is_empty()));
        if hears {
            fill(&mut self.hearing.inbox, &mut self.hearing.stream)?;
        }
        if says {
            fill(&mut self.saying.inbox, &mut self.saying.stream)?;
        }
        Ok(())
    }
}

fn fill(inbox: &mut Inbox, stream: &mut TcpStream) -> io::Result<()> {
    match inbox.fill(stream) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Says back what is heard, frame by frame.
fn hear(
    frame: Frame<'_>,
    saying: &mut Outbox,
    publish: &[u8],
    logs: Option<&mut Logs>,
    confirms: &mut Confirms,
) -> io::Result<()> {
    match frame.kind {
        METHOD if frame.method().0 == Method::BASIC_DELIVER => {
            saying.copy(publish);
            confirms.published();
        }
        HEADER => {
            saying.header(CHANNEL, frame.body_size(), true);
            if let Some(logs) = logs {
                logs.missing = frame.body_size();
            }
        }
        BODY => {
            saying.copy(frame.whole);
            if let Some(logs) = logs {
                logs.received(frame.payload, saying);
            }
        }
        _ => return Err(io::Error::other("the broker sent something else than a message")),
    }
    Ok(())
}

/// The two messages that the component logs for each echo.
#[derive(Default)]
struct Logs {
    missing: usize,
    payload: Vec<u8>,
    unsent: VecDeque<Vec<u8>>,
}

impl Logs {
    fn received(&mut self, part: &[u8], saying: &mut Outbox) {
        self.missing -= part.len();
        for byte in part {
            if matches!(byte, b'"' | b'\\') {
                self.payload.push(b'\\');
            }
            self.payload.push(*byte);
        }
        if self.missing == 0 {
            let payload = std::mem::take(&mut self.payload);
            log(saying, "Received a message to echo", &payload);
            self.unsent.push_back(payload);
        }
    }

    fn sent(&mut self, count: usize, saying: &mut Outbox) {
        for payload in self.unsent.drain(..count) {
            log(saying, "Sent Echoed message", &payload);
        }
    }
}

fn log(saying: &mut Outbox, message: &str, payload: &[u8]) {
    const AROUND: usize = r#"{"level":"INFO","message":"","payload":""}"#.len();
    saying.method(LOG_CHANNEL, Method::BASIC_PUBLISH, |bytes| {
        bytes.put(0_u16);
        bytes.put_text("");
        bytes.put_text(LOG);
        bytes.put(0_u8);
    });
    saying.header(LOG_CHANNEL, AROUND + message.len() + payload.len(), false);
    saying.frame(BODY, LOG_CHANNEL, |bytes| {
        bytes.extend_from_slice(br#"{"level":"INFO","message":""#);
        bytes.extend_from_slice(message.as_bytes());
        bytes.extend_from_slice(br#"","payload":""#);
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(br#""}"#);
    });
}
