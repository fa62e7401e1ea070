//! Messages of all sizes, mixed: none of them costs the session, a duplicate, or much memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::outages::quiet;
use crate::test_bed::{HEARD, LONG, SAID, TestBed};
use testkit::{Message, Node, Process};

/// What the component may hold at the most, in kB, whatever comes.
const MOST_MEMORY: u64 = 200_000;

const MB: usize = 1_000_000;

/// Longest that the outputs may be silent.
const SILENCE: Duration = Duration::from_secs(60);

fn is_long_run() -> bool {
    std::env::var_os("VALAWAI_LONG_TESTS").is_some()
}

fn test_bed_on(node: &Node) -> TestBed {
    quiet(TestBed::on(node))
}

/// The message of number `number`, with a body of about `bytes`.
fn sized(number: u64, bytes: usize) -> Message {
    Message::json(&json!({ "content": "x".repeat(bytes) })).message_id(number.to_string())
}

/// A size between 100 B and 2 MB, the same for the same number.
fn any_size(number: u64) -> usize {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    100 + usize::try_from((bits ^ (bits >> 31)) % 1_999_900).expect("a small number")
}

/// What came out: how often each number did, and how many bytes each had.
#[derive(Default)]
struct Echoes {
    counts: BTreeMap<u64, (usize, usize)>,
    bytes: usize,
}

impl Echoes {
    /// Takes echoes, `at_once` so many, until `count` numbers came out.
    fn take_until(&mut self, test_bed: &TestBed, echo: &Process, at_once: usize, count: usize) {
        let mut last = Instant::now();
        while self.counts.len() < count {
            let batch = (count - self.counts.len()).min(at_once);
            for message in test_bed.client.take(SAID, batch, Duration::from_secs(10)) {
                last = Instant::now();
                let number = message.message_id().and_then(|id| id.parse().ok()).expect("a number");
                let (times, bytes) = self.counts.entry(number).or_default();
                *times += 1;
                *bytes = message.body.len();
                self.bytes += message.body.len();
            }
            assert!(last.elapsed() < SILENCE, "{} of {count} came out: {}", self.counts.len(), echo.output());
        }
    }

    /// Asserts that the numbers below `count` came out once each, each as large as it went in.
    #[track_caller]
    fn assert_each_once(&self, count: u64, size: impl Fn(u64) -> usize) {
        let around = r#"{"content":""}"#.len();
        for number in 0..count {
            let came = self.counts.get(&number);
            assert_eq!(came, Some(&(1, size(number) + around)), "how often, and how large, number {number} came out");
        }
    }
}

/// Asserts that nothing that came cost the session, and that the memory stayed small.
#[track_caller]
fn assert_unshaken(echo: &Process) {
    let output = echo.output();
    assert!(!output.contains("reconnecting"), "the session did not live through it: {output}");
    let peak = echo.peak_kb();
    assert!(peak < MOST_MEMORY, "the component held {peak} kB");
}

#[test]
fn large_messages_among_small_ones_cost_neither_session_nor_duplicates() {
    const COUNT: u64 = 12_000;
    let size = |number| if number % 60 == 59 { 400_000 } else { 100 };
    let test_bed = test_bed_on(Node::shared());
    test_bed.client.publish_many(HEARD, COUNT, |number| sized(number, size(number)));
    let echo = test_bed.start();
    let mut echoes = Echoes::default();
    echoes.take_until(&test_bed, &echo, 500, 12_000);
    echoes.assert_each_once(COUNT, size);
    assert_unshaken(&echo);
}

#[test]
fn one_large_message_after_many_small_ones_costs_neither_session_nor_duplicates() {
    const SMALL: u64 = 5_000;
    let size = |number| match number {
        SMALL => 3 * MB,
        5_001 => 15 * MB,
        _ => 100,
    };
    let test_bed = test_bed_on(Node::shared());
    test_bed.client.publish_many(HEARD, SMALL + 100, |number| sized(number, size(number)));
    let echo = test_bed.start();
    let mut echoes = Echoes::default();
    echoes.take_until(&test_bed, &echo, 500, 5_100);
    echoes.assert_each_once(SMALL + 100, size);
    assert_unshaken(&echo);
}

#[test]
fn sizes_at_random_cost_neither_session_nor_duplicates() {
    let count: u64 = if is_long_run() { 50_000 } else { 600 };
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = test_bed.start();
    let mut echoes = Echoes::default();
    let began = Instant::now();
    // In portions, so that the broker holds few of them.
    for first in (0..count).step_by(200) {
        test_bed.client.publish_many(HEARD, 200, |number| sized(first + number, any_size(first + number)));
        let so_far = usize::try_from(first + 200).expect("a small number");
        echoes.take_until(&test_bed, &echo, 20, so_far.saturating_sub(100));
    }
    echoes.take_until(&test_bed, &echo, 20, usize::try_from(count).expect("a small number"));
    let took = began.elapsed();
    echoes.assert_each_once(count, any_size);
    assert_unshaken(&echo);
    println!("{count} messages, {} MB, in {took:?}; peak memory {} kB", echoes.bytes / MB, echo.peak_kb());
}

/// The time that the component takes for what lies ready, and the bytes of it.
fn time_to_echo(count: u64, size: impl Fn(u64) -> usize) -> (Duration, usize) {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.client.publish_many(HEARD, count, |number| sized(number, size(number)));
    let began = Instant::now();
    let echo = test_bed.start();
    echo.wait_until("all to be echoed", LONG, || u64::from(test_bed.client.depth(SAID)) >= count);
    let took = began.elapsed();
    assert_unshaken(&echo);
    (took, (0..count).map(size).sum())
}

#[test]
#[ignore = "a measurement, reported and not asserted"]
fn mixed_sizes_take_as_long_as_their_bytes() {
    let mixed = time_to_echo(500, any_size);
    let mean = mixed.1 / 500;
    let uniform = time_to_echo(500, |_| mean);
    println!(
        "mixed: {} MB in {:?}; as many of the mean size: {} MB in {:?}",
        mixed.1 / MB,
        mixed.0,
        uniform.1 / MB,
        uniform.0
    );
}

#[test]
fn many_large_messages_after_small_ones_are_not_all_held_at_once() {
    const SMALL: u64 = 5_000;
    let large: u64 = if is_long_run() { 1_024 } else { 120 };
    let count = SMALL + large;
    let size = |number| if number < SMALL { 100 } else { 2 * MB };
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.client.publish_many(HEARD, count, |number| sized(number, size(number)));
    let echo = test_bed.start();
    let mut echoes = Echoes::default();
    echoes.take_until(&test_bed, &echo, 500, 5_000);
    echoes.take_until(&test_bed, &echo, 20, usize::try_from(count).expect("a small number"));
    echoes.assert_each_once(count, size);
    assert_unshaken(&echo);
}

#[test]
fn a_slow_handler_with_much_waiting_for_it_keeps_its_session() {
    const DEAD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/dead_letter/data/received_message";
    let node = Node::start();
    let test_bed = test_bed_on(&node).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 13);
    // So large that three of them fill whatever the component would hold, and no handler takes them.
    test_bed.client.publish_many(HEARD, 4, |number| sized(number, 60 * MB));
    let echo = test_bed.start();
    echo.wait_until("the second to be done with", LONG, || {
        test_bed.client.look(DEAD).is_some_and(|it| it.messages >= 2)
    });
    let output = echo.output();
    assert!(!output.contains("reconnecting"), "a slow handler cost the session: {output}");
}

#[test]
fn of_what_a_slow_handler_takes_seconds_for_little_is_in_hand() {
    let node = Node::shared();
    let test_bed = test_bed_on(node).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 1);
    test_bed.say_numbers(100);
    let echo = test_bed.start();
    echo.wait_until("a few echoes", LONG, || test_bed.client.depth(SAID) >= 6);
    let in_hand = node.queue(&test_bed.vhost, HEARD).expect("the input").messages_unacknowledged;
    assert!(in_hand <= 5, "{in_hand} messages are in hand, which take a second each");
}

#[test]
#[ignore = "takes more than a minute"]
fn a_handler_that_runs_for_minutes_is_told_while_it_runs() {
    let test_bed = test_bed_on(Node::shared()).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 90);
    let echo = test_bed.start();
    test_bed.say("slow");
    echo.wait_output("has been running for more than 60s", Duration::from_secs(80));
    assert_eq!(test_bed.client.depth(SAID), 0, "it was told afterwards");
}
