//! The scene of all levels when RabbitMQ and the MOV are killed in the middle of it: what the components may lose is nothing,
//! and what the MOV may lose is accounted for.
//!
//! The thermometer publishes one reading after the other, each after the confirm of the one before, so every reading before
//! its last one was confirmed, and a gap in their sequence is a loss. The MOV forwards at most once, and prints what it
//! forwards. It loses what it has received and not forwarded when it is killed, or when a connection is disabled; and what it
//! forwards is transient, so a classic queue loses it with its node. Nothing else may be missing.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::mov::LOG_QUEUE;
use testkit::{Client, Mov, Node, Process, Signal, Vhost, poll, wait_until};

use crate::scene::{COUNT, READING, REPORT, VALUE, connection, numbers, start, words_of};
use crate::sources::half_degrees;
use crate::test_bed::{LONG, SOON};

const NAMES: [&str; 3] = ["c2_treatment_values", "c1_word_count", "c0_thermometer"];

/// What happened to the readings, in order.
#[derive(Debug, Clone, PartialEq)]
enum Event {
    /// The MOV forwarded a reading, or one is still in the queue of the source.
    Reading(Value),
    /// The MOV may have discarded readings: it was killed, or it stopped consuming the queue of the source.
    MovMayLose,
}

struct Scene {
    node: Node,
    vhost: Vhost,
    mov: Mov,
    word_count: Process,
    thermometer: Process,
    _values: Process,
}

/// What the MOV had forwarded when it was killed, and what was in the queues when the broker was killed.
struct BeforeTheKill {
    forwarded: Vec<Event>,
    /// The oldest reading in the queue of the source.
    oldest: Value,
    counted: usize,
    /// How many reports were in the queue of the word count, delivered or not.
    waiting: usize,
}

impl Scene {
    /// Starts all components, which are connected.
    fn start(node: Node, vhost: Vhost) -> Self {
        let client = Client::connect(&vhost);
        for queue in [READING, COUNT, VALUE, LOG_QUEUE] {
            client.declare(queue);
        }
        // In the order of the messages: that the MOV reorders them is tested elsewhere.
        let mov = Mov::start_with(Mov::builder(&vhost).env("SHUFFLE_SEED", 0));
        let [values, word_count, thermometer] = NAMES.map(|name| {
            let process = start(&vhost, name);
            process.wait_healthy();
            process
        });
        Self { node, vhost, mov, word_count, thermometer, _values: values }
    }

    /// Waits until a reading is counted and valued more than these were, and enables the connection when C2 has disabled it.
    fn wait_for_more_than(&self, what: &str, counts: u32, values: u32) {
        let client = Client::connect(&self.vhost);
        wait_until(what, LONG, || {
            self.enable_connection();
            client.depth(COUNT) > counts && client.depth(VALUE) > values
        });
    }

    fn enable_connection(&self) {
        if let Some(disabled) = connection(&self.mov).filter(|connection| !connection.enabled) {
            let change = json!({ "action": "ENABLE", "connectionId": disabled.id });
            self.mov.request("PUT", "/v1/topology/connections/change", &change.to_string());
        }
    }

    /// Kills the MOV and the broker while the word count has reports whose counts are not confirmed, and the source has
    /// published readings that the MOV has not taken. Starts both again.
    fn kill_and_restart(&mut self) -> BeforeTheKill {
        let client = Client::connect(&self.vhost);
        self.word_count.signal(Signal::SIGSTOP);
        let forwarded = self.mov.snapshot().forwarded;
        wait_until("reports that are not counted", LONG, || {
            self.enable_connection();
            self.mov.snapshot().forwarded >= forwarded + 5
        });
        self.mov.stop();
        let forwarded = ledger(&self.mov);
        wait_until("readings that the MOV has not taken", SOON, || client.depth(READING) >= 3);
        let oldest = peek(&client, READING);
        let (counted, waiting) = self.reports(readings(&forwarded).len());
        // Now it counts, and the broker confirms nothing: an ack before the confirm would lose the reports.
        self.node.set_memory_alarm(true);
        self.word_count.signal(Signal::SIGCONT);
        self.word_count.wait_output("the broker has accepted no messages for 10s", SOON);
        self.node.kill();
        self.node.start_again();
        self.mov.start_again();
        BeforeTheKill { forwarded, oldest, counted, waiting }
    }

    /// How many reports were counted, and how many are in the queue of the word count. Together they are `sent` or more,
    /// unless the MOV has lost some. The broker reports the state of a quorum queue late.
    fn reports(&self, sent: usize) -> (usize, usize) {
        let client = Client::connect(&self.vhost);
        let reports = || {
            let counted = client.depth(COUNT) as usize;
            let queue = self.node.queue(&self.vhost, REPORT).expect("the queue of the word count");
            let waiting = queue.messages_ready + queue.messages_unacknowledged;
            (counted, usize::try_from(waiting).expect("few messages"))
        };
        poll(SOON, || Some(reports()).filter(|(counted, waiting)| counted + waiting >= sent)).unwrap_or_else(reports)
    }
}

/// What a MOV has forwarded from the readings to the word count, as it printed it.
fn ledger(mov: &Mov) -> Vec<Event> {
    let prefix = format!("Forwarded from {READING} to {REPORT}: ");
    let event = |line: &str| {
        if let Some(reading) = line.strip_prefix(&prefix) {
            return Some(Event::Reading(serde_json::from_str(reading).expect("a reading")));
        }
        let closes_source = line.contains("Disabled the connection") || line.contains("Removed the connection");
        closes_source.then_some(Event::MovMayLose)
    };
    mov.process().output().lines().filter_map(event).collect()
}

fn readings(events: &[Event]) -> Vec<&Value> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Reading(reading) => Some(reading),
            Event::MovMayLose => None,
        })
        .collect()
}

/// The message at the head of a queue, which stays there.
fn peek(client: &Client, queue: &str) -> Value {
    let channel = client.channel();
    let got = channel.basic_get(queue, false).expect("a broker").expect("a message");
    serde_json::from_slice(&got.delivery.body).expect("JSON")
}

/// Asserts that no reading is missing, except where the MOV may have lost some. The same reading may come again.
#[track_caller]
fn assert_complete(events: &[Event]) {
    let mut expected = Some(32);
    for (index, event) in events.iter().enumerate() {
        let Event::Reading(reading) = event else {
            expected = None;
            continue;
        };
        let found = half_degrees(reading);
        let is_repeated = index > 0 && events[index - 1] == *event;
        assert!(
            is_repeated || expected.is_none_or(|expected| expected == found),
            "event {index} is {found} half degrees, and not {expected:?}: readings were lost in {events:#?}"
        );
        expected = Some(if found == 55 { 32 } else { found + 1 });
    }
}

fn words_in(reading: &Value) -> u64 {
    reading["report"].as_str().expect("a report").split_whitespace().count() as u64
}

/// How many words each report had that was counted. A count that was published again has the same total, because the state
/// was rolled back.
fn counted_words(counts: &[Value]) -> Vec<u64> {
    let totals: BTreeSet<u64> = words_of(counts).into_iter().collect();
    let mut last = 0;
    totals.into_iter().map(|total| total - std::mem::replace(&mut last, total)).collect()
}

/// Kills the broker and the MOV, and asserts that nothing is lost but what the MOV lost and, if `keeps_transient` is false,
/// the transient reports that waited in the broker.
fn assert_nothing_is_lost(node: Node, vhost: Vhost, keeps_transient: bool) {
    let mut scene = Scene::start(node, vhost);
    scene.wait_for_more_than("the scene to begin", 3, 3);
    let before = scene.kill_and_restart();

    let client = Client::connect(&scene.vhost);
    scene.mov.wait_until("each component to register once", LONG, |snapshot| {
        let mut names: Vec<&str> = snapshot.live.iter().map(|live| live.name.as_str()).collect();
        names.sort_unstable();
        names == ["c0_thermometer", "c1_word_count", "c2_treatment_values"]
    });
    let (waiting_readings, values) = (client.depth(READING), client.depth(VALUE));
    let old = u32::try_from(before.counted + before.waiting).expect("few messages") + waiting_readings;
    scene.wait_for_more_than("new readings to be counted and valued", old + 5, values);
    assert_eq!(scene.thermometer.stop(SOON).code(), Some(0));
    assert!(!scene.thermometer.output().contains("were not confirmed"), "{}", scene.thermometer.output());

    let after = ledger(&scene.mov);
    let left: Vec<Event> = numbers(&client, READING).into_iter().map(Event::Reading).collect();
    assert_complete(&[&before.forwarded[..], &[Event::MovMayLose], &after, &left].concat());
    assert_eq!(readings(&after)[0], &before.oldest, "the oldest reading was lost with the broker");

    let (first, second) = (readings(&before.forwarded), readings(&after));
    let unsent = first.len().saturating_sub(before.counted + before.waiting);
    let lost_at_most = unsent + if keeps_transient { 0 } else { before.waiting };
    let expected = |lost: usize| -> Vec<u64> {
        first[..first.len() - lost].iter().chain(&second).map(|reading| words_in(reading)).collect()
    };
    let mut counts = Vec::new();
    let all = poll(SOON, || {
        counts.extend(numbers(&client, COUNT));
        (unsent..=lost_at_most).any(|lost| counted_words(&counts) == expected(lost))
    });
    assert!(
        all.is_some(),
        "of {} and {} reports, of which {unsent} to {lost_at_most} may be lost, these were counted: {:?}",
        first.len(),
        second.len(),
        counted_words(&counts)
    );
    println!("{} readings before the kill, {} after it; the MOV lost {unsent} reports", first.len(), second.len());
}

#[test]
fn killing_rabbitmq_and_the_mov_loses_nothing_that_was_confirmed() {
    let node = Node::start();
    let vhost = node.vhost();
    assert_nothing_is_lost(node, vhost, false);
}

#[test]
fn with_quorum_queues_killing_rabbitmq_and_the_mov_loses_no_forwarded_report_either() {
    let node = Node::start();
    let vhost = node.quorum_vhost();
    assert_nothing_is_lost(node, vhost, true);
}
