//! How long an echo takes: messages are sent one by one, or at a steady pace, and timed when they come back.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use echo_bench::setting::{HEARD, SAID};
use echo_bench::wire::{Address, BODY, Client, METHOD};

use super::fill::message;
use super::{body, number_in};

const CHANNEL: u16 = 1;
const PREFETCH: u16 = 8192;

/// Nobody waits longer for an echo.
const PATIENCE: Duration = Duration::from_secs(5);

/// When nothing comes back for so long, nothing more will.
const SILENCE: Duration = Duration::from_millis(500);

/// Between two looks whether something is to be sent.
const NAP: Duration = Duration::from_micros(100);

/// Sends persistent messages of one size, and hears the echoes.
#[derive(Debug)]
pub(crate) struct Pulse {
    sender: Client,
    listener: Client,
    size: usize,
}

impl Pulse {
    pub(crate) fn connect(address: &Address, size: usize) -> io::Result<Self> {
        let mut sender = Client::connect(address)?;
        sender.open_channel(CHANNEL)?;
        let mut listener = Client::connect(address)?;
        listener.open_channel(CHANNEL)?;
        listener.consume(CHANNEL, SAID, PREFETCH)?;
        listener.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { sender, listener, size })
    }

    /// Sends `count` messages, each when the one before has come back; returns how long each took.
    pub(crate) fn one_by_one(&mut self, count: u64) -> io::Result<Vec<Duration>> {
        (0..count)
            .map(|number| {
                let sent = Instant::now();
                self.sender.outbox.copy(&message(HEARD, &body(number, self.size), true));
                self.sender.outbox.flush(&mut self.sender.stream)?;
                while !hear(&mut self.listener)?.contains(&number) {}
                Ok(sent.elapsed())
            })
            .collect()
    }

    /// Sends so many messages a second, for a time, whatever comes back; returns how long each took that came back.
    pub(crate) fn at_pace(&mut self, rate: f64, time: Duration) -> io::Result<Vec<Duration>> {
        let sent = Mutex::new(Vec::new());
        let Self { sender, listener, size } = self;
        listener.stream.set_read_timeout(Some(SILENCE))?;
        let mut latencies = Vec::new();
        thread::scope(|scope| {
            let sending = scope.spawn(|| send_at_pace(sender, *size, rate, time, &sent));
            while let Ok(numbers) = hear(listener) {
                let now = Instant::now();
                let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                let sent_at = |number| sent.get(usize::try_from(number).ok()?).copied();
                latencies.extend(numbers.into_iter().filter_map(sent_at).map(|sent_at| now.duration_since(sent_at)));
            }
            sending.join().expect("the sender does not panic")
        })?;
        Ok(latencies)
    }
}

fn send_at_pace(
    sender: &mut Client,
    size: usize,
    rate: f64,
    time: Duration,
    sent: &Mutex<Vec<Instant>>,
) -> io::Result<()> {
    let began = Instant::now();
    let mut number = 0_u64;
    while began.elapsed() < time {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive and small")]
        let due = (began.elapsed().as_secs_f64() * rate) as u64;
        while number < due {
            sender.outbox.copy(&message(HEARD, &body(number, size), true));
            sent.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            number += 1;
        }
        sender.outbox.flush(&mut sender.stream)?;
        thread::sleep(NAP);
    }
    Ok(())
}

/// Waits for echoes, and returns the numbers of those that came together.
fn hear(listener: &mut Client) -> io::Result<Vec<u64>> {
    listener.inbox.fill(&mut listener.stream)?;
    let (mut numbers, mut tag) = (Vec::new(), 0);
    while let Some(frame) = listener.inbox.take()? {
        match frame.kind {
            METHOD => tag = frame.delivery_tag().unwrap_or(tag),
            BODY => numbers.extend(number_in(frame.payload)),
            _ => {}
        }
    }
    if tag > 0 {
        listener.outbox.acknowledge_up_to(CHANNEL, tag);
        listener.outbox.flush(&mut listener.stream)?;
    }
    Ok(numbers)
}
