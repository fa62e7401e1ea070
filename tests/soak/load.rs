//! A steady load that survives every fault: each message is published until the broker has confirmed it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::json;
use testkit::{Client, Message, Received, Vhost};

use crate::test_bed::{INPUT, OUTPUT};

/// Messages published at a time, and how often.
const BATCH: u64 = 50;
const PERIOD: Duration = Duration::from_millis(100);

/// How many messages may wait, so that a fault is not followed by minutes of catching up.
const MAX_WAITING: u32 = 2000;

/// The pause before the next attempt to connect to a broker that is down.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// What was published and received so far.
#[derive(Default)]
pub(super) struct Load {
    is_done: AtomicBool,
    confirmed: AtomicU64,
    /// How often the reply to each message was received.
    counts: Mutex<Vec<u32>>,
}

impl Load {
    /// Publishes and receives in threads of `scope` until [`Load::end`].
    pub(super) fn run<'s>(&'s self, scope: &'s Scope<'s, '_>, vhost: &'s Vhost, seed: u64) {
        scope.spawn(move || self.publish(vhost, &mut Rng::with_seed(seed)));
        scope.spawn(move || self.receive(vhost));
    }

    pub(super) fn end(&self) {
        self.is_done.store(true, Ordering::SeqCst);
    }

    /// How many messages the broker has confirmed. They have the numbers below it.
    pub(super) fn confirmed(&self) -> u64 {
        self.confirmed.load(Ordering::SeqCst)
    }

    /// How many of the messages below `end` have no reply so far.
    pub(super) fn missing(&self, end: u64) -> u64 {
        let counts = self.counts();
        let received = counts.iter().take(usize::try_from(end).expect("a number")).filter(|count| **count > 0).count();
        end - received as u64
    }

    pub(super) fn duplicates(&self) -> u64 {
        self.counts().iter().map(|count| u64::from(count.saturating_sub(1))).sum()
    }

    fn counts(&self) -> MutexGuard<'_, Vec<u32>> {
        self.counts.lock().expect("counts that no thread left half changed")
    }

    fn publish(&self, vhost: &Vhost, rng: &mut Rng) {
        self.with_connections(vhost, |client| {
            while !self.is_done() {
                let began = Instant::now();
                if client.try_depth(INPUT)? < MAX_WAITING {
                    let first = self.confirmed();
                    client.try_publish_many(INPUT, BATCH, |number| message(first + number, rng))?;
                    self.confirmed.store(first + BATCH, Ordering::SeqCst);
                }
                thread::sleep(PERIOD.saturating_sub(began.elapsed()));
            }
            Ok(())
        });
    }

    fn receive(&self, vhost: &Vhost) {
        self.with_connections(vhost, |client| {
            client.try_receive_while(OUTPUT, |received| {
                if let Some(received) = received {
                    self.count(&received);
                }
                !self.is_done()
            })
        });
    }

    fn count(&self, received: &Received) {
        let number = received.message_id().and_then(|id| id.parse().ok()).expect("a reply with the id of its message");
        let mut counts = self.counts();
        if counts.len() <= number {
            counts.resize(number + 1, 0);
        }
        counts[number] += 1;
    }

    /// Repeats `work`, with a new connection each time it fails.
    fn with_connections(&self, vhost: &Vhost, mut work: impl FnMut(&Client) -> Result<(), String>) {
        while !self.is_done() {
            let worked = Client::try_connect(vhost).map_err(|error| error.to_string()).and_then(|client| work(&client));
            if worked.is_err() {
                thread::sleep(RECONNECT_PAUSE);
            }
        }
    }

    fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }
}

/// A message with this number, most of them small.
fn message(number: u64, rng: &mut Rng) -> Message {
    let size = match rng.u32(..5000) {
        0 => 2_000_000,
        1..20 => 50_000,
        _ => 60,
    };
    let content = json!({ "content": format!("{number}:{}", "x".repeat(size)) });
    let message = Message::json(&content).message_id(number.to_string());
    if rng.bool() { message.persistent() } else { message.persistent().header("soak", number.to_string()) }
}
