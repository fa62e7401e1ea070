//! Measures round-trip times: publishes messages one by one or at a constant rate, and times their echoes.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use echo_bench::config::{INPUT_QUEUE, OUTPUT_QUEUE};
use echo_bench::wire::{Address, Client, FrameKind};
use parking_lot::Mutex;

use super::body::{message_body, sequence_in};
use super::publisher::encode_message;

const CHANNEL: u16 = 1;
const PREFETCH: u16 = 8192;

/// The longest time to wait for a single echo.
const ECHO_LIMIT: Duration = Duration::from_secs(5);

/// At a constant rate, the measurement ends after this time without an echo.
const IDLE_LIMIT: Duration = Duration::from_millis(500);

/// At a constant rate, messages that are due are published this often.
const PUBLISH_INTERVAL: Duration = Duration::from_micros(100);

/// Publishes persistent messages of one size and consumes the echoes.
#[derive(Debug)]
pub(crate) struct Probe {
    publisher: Client,
    consumer: Client,
    size: usize,
}

impl Probe {
    pub(crate) fn connect(address: &Address, size: usize) -> io::Result<Self> {
        let mut publisher = Client::connect(address)?;
        publisher.open_channel(CHANNEL)?;
        let mut consumer = Client::connect(address)?;
        consumer.open_channel(CHANNEL)?;
        consumer.consume(CHANNEL, OUTPUT_QUEUE, PREFETCH)?;
        consumer.stream.set_read_timeout(Some(ECHO_LIMIT))?;
        Ok(Self { publisher, consumer, size })
    }

    /// Publishes `count` messages, each after the echo of the previous one, and returns their round-trip times.
    pub(crate) fn one_by_one(&mut self, count: u64) -> io::Result<Vec<Duration>> {
        (0..count)
            .map(|sequence| {
                let published = Instant::now();
                self.publisher.output.put_encoded(&encode(sequence, self.size));
                self.publisher.output.flush(&mut self.publisher.stream)?;
                while !receive(&mut self.consumer)?.contains(&sequence) {}
                Ok(published.elapsed())
            })
            .collect()
    }

    /// Publishes `rate` messages per second for `duration` and returns the round-trip times of the echoes that arrive.
    pub(crate) fn at_rate(&mut self, rate: f64, duration: Duration) -> Result<Vec<Duration>> {
        let Self { publisher, consumer, size } = self;
        consumer.stream.set_read_timeout(Some(IDLE_LIMIT))?;
        let send_times = Mutex::new(Vec::new());
        let mut latencies = Vec::new();
        thread::scope(|scope| {
            let publishing = scope.spawn(|| publish_at_rate(publisher, *size, rate, duration, &send_times));
            while let Ok(sequences) = receive(consumer) {
                let now = Instant::now();
                let send_times = send_times.lock();
                let time_of = |sequence| send_times.get(usize::try_from(sequence).ok()?).copied();
                latencies.extend(sequences.into_iter().filter_map(time_of).map(|time| now.duration_since(time)));
            }
            publishing.join().expect("the publishing thread does not panic")
        })?;
        Ok(latencies)
    }
}

/// Publishes until `duration` has passed. The time of each message is appended to `send_times`.
fn publish_at_rate(
    publisher: &mut Client,
    size: usize,
    rate: f64,
    duration: Duration,
    send_times: &Mutex<Vec<Instant>>,
) -> io::Result<()> {
    let start = Instant::now();
    let mut sequence = 0_u64;
    while start.elapsed() < duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        while sequence < due {
            publisher.output.put_encoded(&encode(sequence, size));
            send_times.lock().push(Instant::now());
            sequence += 1;
        }
        publisher.output.flush(&mut publisher.stream)?;
        thread::sleep(PUBLISH_INTERVAL);
    }
    Ok(())
}

fn encode(sequence: u64, size: usize) -> Vec<u8> {
    encode_message(CHANNEL, INPUT_QUEUE, &message_body(sequence, size), true)
}

/// Reads once, acknowledges the echoes that arrived and returns their sequence numbers.
fn receive(consumer: &mut Client) -> io::Result<Vec<u64>> {
    consumer.input.read_from(&mut consumer.stream)?;
    let (mut sequences, mut tag) = (Vec::new(), None);
    while let Some(frame) = consumer.input.next_frame()? {
        match frame.kind {
            FrameKind::METHOD => tag = frame.delivery_tag().or(tag),
            FrameKind::BODY => sequences.extend(sequence_in(frame.payload)),
            _ => {}
        }
    }
    if let Some(tag) = tag {
        consumer.output.put_ack_multiple(CHANNEL, tag);
        consumer.output.flush(&mut consumer.stream)?;
    }
    Ok(sequences)
}
