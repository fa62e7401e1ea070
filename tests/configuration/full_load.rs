//! Thirty changes in a row of everything that can change, under full load.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::json;
use testkit::{Client, Cluster, Mov, Process};

use super::{Configured, live_id};
use crate::test_bed::{
    INPUT, LONG, OUTPUT, TestBed, assert_none_lost, count_by_number, numbered_message, wait_registered,
};

/// How many messages are published at a time.
const BATCH: u64 = 500;

/// How many messages may wait, so that the broker is not what is tested.
const MAX_WAITING: u32 = 20_000;

#[test]
fn thirty_changes_lose_and_double_nothing_and_keep_process_and_registration() {
    let cluster = Cluster::start();
    let test_bed = TestBed::in_vhost(cluster.node(1).vhost()).env("RABBITMQ_HOST", "127.0.0.1");
    // The changes are reported at INFO, and the messages are not.
    let configured = Configured::on(test_bed)
        .env("LOG_MOV_LEVEL", "ERROR")
        .env("LOGGING_CONFIG", r#"{"component": "ERROR"}"#)
        .env("RETRY_TTL", 100);
    let mov = Mov::start(&configured.test_bed.vhost);
    let component = configured.test_bed.start();
    let id = wait_registered(&mov, &component);
    let (done, published) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut counts = BTreeMap::new();
    thread::scope(|scope| {
        // Also if an assertion fails.
        let end = End(&done);
        scope.spawn(|| publish(&configured, &done, &published));
        let receiver = scope.spawn(|| receive(&configured, &done, &published));
        for (path, value) in changes() {
            change(&configured, &component, path, &value);
            component.wait_until("it to work", LONG, || component.is_healthy());
            assert_eq!(live_id(&mov), id, "after the change of {path}");
        }
        drop(end);
        counts = receiver.join().expect("all replies");
    });
    let published = published.load(Ordering::SeqCst);
    let duplicates = assert_none_lost(&counts, published);
    println!("{published} messages, {duplicates} duplicates");
    assert_eq!(duplicates, 0, "messages were doubled in orderly changes");
    assert!(!component.output().contains("reconnecting"), "a session was lost: {}", component.output());
}

/// Ends the load when it is dropped.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn changes() -> Vec<(&'static str, String)> {
    let routes = |count: usize| {
        let consumer =
            |number| json!({ "name": format!("in-{number}"), "type": "consumer", "queue": format!("route-{number}") });
        let producer = json!({ "name": "copies", "type": "producer", "queue": "copies", "of": ["reply"] });
        let consumers = (0..count).map(consumer);
        json!(consumers.chain((count > 1).then_some(producer)).collect::<Vec<_>>()).to_string()
    };
    let text = |(path, value): (&'static str, &str)| (path, value.to_owned());
    let mut changes: Vec<(&str, String)> = [
        ("log_console_level", "DEBUG"),
        ("rabbitmq_prefetch", "100"),
        ("workers", "2"),
        ("max_retries", "7"),
        ("chaos_percentage_simulate_failures", "0.01"),
        ("rabbitmq_host", "127.0.0.2"),
        ("workers", "1"),
        ("chaos_percentage_simulate_nack", "0.001"),
        ("retry_ttl", "50"),
        ("channels/data/received_message/prefetch", "50"),
        ("channels/data/received_message/workers", "3"),
        ("log_file_level", "INFO"),
        ("rabbitmq_host", "127.0.0.3"),
        ("kill_switch_ratio", "0.9"),
        ("channels/data/received_message/retries", "9"),
        ("channels/data/received_message/paused", "true"),
        ("channels/data/received_message/paused", "false"),
        ("shutdown_grace", "9"),
        ("tap_max_rate", "100"),
        ("chaos_percentage_simulate_nack", "0"),
        ("chaos_percentage_simulate_failures", "0"),
        ("channels/data/received_message/workers", "1"),
        ("rabbitmq_prefetch", "1000"),
        ("log_mov_level", "WARN"),
        ("log_console_level", "INFO"),
        ("rabbitmq_host", "127.0.0.1"),
    ]
    .map(text)
    .into();
    // Routes are added, changed and removed between the others.
    for (index, count) in [(3, 1), (8, 2), (14, 3), (20, 0)] {
        changes.insert(index, ("queue_config", routes(count)));
    }
    assert_eq!(changes.len(), 30);
    changes
}

#[track_caller]
fn change(configured: &Configured, component: &Process, path: &str, value: &str) {
    let moves = || component.output().matches("continuing on another broker").count();
    let before = moves();
    configured.change(component, path, value);
    if path == "rabbitmq_host" {
        component.wait_until("it to move", LONG, || moves() > before);
        component.wait_until("it to consume", LONG, || configured.test_bed.client.consumers(INPUT) > 0);
    }
}

fn publish(configured: &Configured, done: &AtomicBool, published: &AtomicU64) {
    let client = Client::connect(&configured.test_bed.vhost);
    while !done.load(Ordering::SeqCst) {
        if client.depth(INPUT) > MAX_WAITING {
            thread::yield_now();
            continue;
        }
        let first = published.load(Ordering::SeqCst);
        client.publish_many(INPUT, BATCH, |number| numbered_message(first + number));
        published.fetch_add(BATCH, Ordering::SeqCst);
    }
}

/// Receives until every message that was published has its reply, or none has come for a long time.
fn receive(configured: &Configured, done: &AtomicBool, published: &AtomicU64) -> BTreeMap<u64, usize> {
    let client = Client::connect(&configured.test_bed.vhost);
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    let mut last = Instant::now();
    while last.elapsed() < LONG {
        let is_last = done.load(Ordering::SeqCst);
        for (number, times) in count_by_number(&client.drain(OUTPUT)) {
            *counts.entry(number).or_default() += times;
            last = Instant::now();
        }
        if is_last && counts.len() as u64 >= published.load(Ordering::SeqCst) {
            break;
        }
    }
    counts
}
