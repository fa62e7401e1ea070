//! Messages of mixed sizes: they are echoed without reconnects and duplicates, in bounded memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use testkit::{Client, Message, Node, Process};

use crate::test_bed::{INPUT, LONG, OUTPUT, SOON, TestBed};

/// The limit of the component's memory, in kB.
const MEMORY_LIMIT: u64 = 200_000;

const MB: usize = 1_000_000;

/// The limit for the time between two replies.
const REPLY_LIMIT: Duration = Duration::from_secs(60);

fn is_long_run() -> bool {
    std::env::var_os("VALAWAI_LONG_TESTS").is_some()
}

fn test_bed_on(node: &Node) -> TestBed {
    TestBed::on(node).with_quiet_logs()
}

/// A message with the message id `number` and a content of `bytes` characters.
fn sized_message(number: u64, bytes: usize) -> Message {
    Message::json(&json!({ "content": "x".repeat(bytes) })).message_id(number.to_string())
}

/// A pseudo-random size between 100 B and 2 MB, always the same for a number.
fn random_size(number: u64) -> usize {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    100 + usize::try_from((bits ^ (bits >> 31)) % 1_999_900).expect("a small number")
}

/// The received replies.
#[derive(Default)]
struct Replies {
    /// For each number how often it was received, and the size of the last body.
    counts: BTreeMap<u64, (usize, usize)>,
    /// The size of all bodies.
    bytes: usize,
}

impl Replies {
    /// Receives replies in batches of `batch_size` until there are `count` different ones.
    fn receive_until(&mut self, test_bed: &TestBed, component: &Process, batch_size: usize, count: usize) {
        let mut last = Instant::now();
        while self.counts.len() < count {
            let batch = (count - self.counts.len()).min(batch_size);
            for message in test_bed.client.receive_up_to(OUTPUT, batch, Duration::from_secs(10)) {
                last = Instant::now();
                let number = message.message_id().and_then(|id| id.parse().ok()).expect("a number");
                let (times, bytes) = self.counts.entry(number).or_default();
                *times += 1;
                *bytes = message.body.len();
                self.bytes += message.body.len();
            }
            assert!(
                last.elapsed() < REPLY_LIMIT,
                "only {} of {count} replies: {}",
                self.counts.len(),
                component.output()
            );
        }
    }

    /// Asserts that there is one reply to each message below `count`, of the size of the message.
    #[track_caller]
    fn assert_each_once(&self, count: u64, size: impl Fn(u64) -> usize) {
        let overhead = r#"{"content":""}"#.len();
        for number in 0..count {
            let reply = self.counts.get(&number);
            assert_eq!(reply, Some(&(1, size(number) + overhead)), "count and size of the replies to message {number}");
        }
    }
}

/// Asserts that the component neither reconnected nor exceeded the memory limit.
#[track_caller]
fn assert_stable(component: &Process) {
    let output = component.output();
    assert!(!output.contains("reconnecting"), "the session was lost: {output}");
    let peak = component.peak_kb();
    assert!(peak < MEMORY_LIMIT, "the component used {peak} kB");
}

#[test]
fn large_messages_among_small_ones_cause_no_reconnect_and_no_duplicates() {
    const COUNT: u64 = 12_000;
    let size = |number| if number % 60 == 59 { 400_000 } else { 100 };
    let test_bed = test_bed_on(Node::shared());
    test_bed.client.publish_many(INPUT, COUNT, |number| sized_message(number, size(number)));
    let component = test_bed.start();
    let mut replies = Replies::default();
    replies.receive_until(&test_bed, &component, 500, 12_000);
    replies.assert_each_once(COUNT, size);
    assert_stable(&component);
}

#[test]
fn a_large_message_after_many_small_ones_causes_no_reconnect_and_no_duplicates() {
    const SMALL: u64 = 5_000;
    let size = |number| match number {
        SMALL => 3 * MB,
        5_001 => 15 * MB,
        _ => 100,
    };
    let test_bed = test_bed_on(Node::shared());
    test_bed.client.publish_many(INPUT, SMALL + 100, |number| sized_message(number, size(number)));
    let component = test_bed.start();
    let mut replies = Replies::default();
    replies.receive_until(&test_bed, &component, 500, 5_100);
    replies.assert_each_once(SMALL + 100, size);
    assert_stable(&component);
}

#[test]
fn random_sizes_cause_no_reconnect_and_no_duplicates() {
    let count: u64 = if is_long_run() { 50_000 } else { 600 };
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start();
    let mut replies = Replies::default();
    let began = Instant::now();
    // In batches, so that the broker holds few of them.
    for first in (0..count).step_by(200) {
        test_bed.client.publish_many(INPUT, 200, |number| sized_message(first + number, random_size(first + number)));
        let so_far = usize::try_from(first + 200).expect("a small number");
        replies.receive_until(&test_bed, &component, 20, so_far.saturating_sub(100));
    }
    replies.receive_until(&test_bed, &component, 20, usize::try_from(count).expect("a small number"));
    let took = began.elapsed();
    replies.assert_each_once(count, random_size);
    assert_stable(&component);
    println!("{count} messages, {} MB, in {took:?}; peak memory {} kB", replies.bytes / MB, component.peak_kb());
}

/// glibc by itself keeps the buffers of large messages, once for each thread that had some.
#[test]
fn the_memory_of_large_messages_is_returned_although_threads_come_and_go() {
    const SESSIONS: u64 = 5;
    const MESSAGES: u64 = 4;
    const KEPT: u64 = 64_000;
    let node = Node::shared();
    let test_bed = test_bed_on(node).env("WORKERS", 3);
    let component = test_bed.start();
    for session in 1..=SESSIONS {
        let client = Client::connect(&test_bed.vhost);
        component.wait_until("it to consume", LONG, || client.consumers(INPUT) == 3);
        client.publish_many(INPUT, MESSAGES, |number| sized_message(number, 12 * MB));
        let count = usize::try_from(MESSAGES).expect("a small number");
        client.receive(OUTPUT, count, REPLY_LIMIT);
        node.close_connections_of(&test_bed.vhost);
        let reconnects = || component.output().matches("reconnecting").count() as u64;
        component.wait_until("it to reconnect", LONG, || reconnects() == session);
    }
    component.wait_until(&format!("it to keep less than {KEPT} kB"), SOON, || component.rss_kb() < KEPT);
}

/// The time that the component needs for `count` ready messages, and their size.
fn measure_echo(count: u64, size: impl Fn(u64) -> usize) -> (Duration, usize) {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.client.publish_many(INPUT, count, |number| sized_message(number, size(number)));
    let began = Instant::now();
    let component = test_bed.start();
    component.wait_until("all replies", LONG, || u64::from(test_bed.client.depth(OUTPUT)) >= count);
    let took = began.elapsed();
    assert_stable(&component);
    (took, (0..count).map(size).sum())
}

#[test]
#[ignore = "a measurement without an assertion"]
fn measure_mixed_and_uniform_sizes() {
    let mixed = measure_echo(500, random_size);
    let mean = mixed.1 / 500;
    let uniform = measure_echo(500, |_| mean);
    println!(
        "mixed sizes: {} MB in {:?}; the mean size: {} MB in {:?}",
        mixed.1 / MB,
        mixed.0,
        uniform.1 / MB,
        uniform.0
    );
}

#[test]
fn many_large_messages_after_small_ones_are_processed_in_bounded_memory() {
    const SMALL: u64 = 5_000;
    let large: u64 = if is_long_run() { 1_024 } else { 120 };
    let count = SMALL + large;
    let size = |number| if number < SMALL { 100 } else { 2 * MB };
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.client.publish_many(INPUT, count, |number| sized_message(number, size(number)));
    let component = test_bed.start();
    let mut replies = Replies::default();
    replies.receive_until(&test_bed, &component, 500, 5_000);
    replies.receive_until(&test_bed, &component, 20, usize::try_from(count).expect("a small number"));
    replies.assert_each_once(count, size);
    assert_stable(&component);
}

#[test]
fn a_slow_handler_with_large_waiting_messages_causes_no_reconnect() {
    let node = Node::start();
    let test_bed = test_bed_on(&node).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 13);
    // Three of them exceed what the component buffers. They are larger than a handler accepts, so they become dead letters.
    test_bed.client.publish_many(INPUT, 4, |number| sized_message(number, 60 * MB));
    let component = test_bed.start();
    test_bed.wait_dead_letters(2, &component);
    let output = component.output();
    assert!(!output.contains("reconnecting"), "a slow handler caused a reconnect: {output}");
}

#[test]
fn a_slow_handler_has_few_unacknowledged_messages() {
    let node = Node::shared();
    let test_bed = test_bed_on(node).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 1);
    test_bed.publish_numbered(100);
    let component = test_bed.start();
    component.wait_until("the first replies", LONG, || test_bed.client.depth(OUTPUT) >= 6);
    let unacknowledged = node.queue(&test_bed.vhost, INPUT).expect("the input").messages_unacknowledged;
    assert!(unacknowledged <= 5, "{unacknowledged} messages are unacknowledged, and each takes a second");
}

#[test]
#[ignore = "takes more than a minute"]
fn a_handler_that_runs_for_more_than_a_minute_is_reported_while_it_runs() {
    let test_bed = test_bed_on(Node::shared()).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 90);
    let component = test_bed.start();
    test_bed.publish("hello");
    component.wait_output("has been running for more than 60s", Duration::from_secs(80));
    assert_eq!(test_bed.client.depth(OUTPUT), 0, "it was reported after its end");
}
