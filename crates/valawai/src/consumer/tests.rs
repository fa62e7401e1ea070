//! The consumer on the in-memory broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::wait_until;

use super::tuning::Tuning;
use super::*;
use crate::asyncapi::sample;
use crate::broker::memory::{MemoryBroker, with_link};
use crate::component::{Component, Context};
use crate::failure::Failure;
use crate::message::Outgoing;
use crate::mov;
use crate::mov::identity::Identity;
use crate::name::Kind;
use crate::shutdown;

pub(super) const INPUT: &str = "valawai/c1/echo/data/input";
pub(super) const OUTPUT: &str = "valawai/c1/echo/data/output";
pub(super) const DEAD_LETTERS: &str = "valawai/c1/echo/dead_letter/data/input";
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A component with an input and an output, which wait for a handler.
pub(super) fn component() -> Component {
    Component::new("1.0.0", sample("c1/echo", &["subscribe data/input", "publish data/output"]))
}

fn consumer(handler: impl Fn(Value, &Context) -> Result<Value, Failure> + Send + Sync + 'static) -> Consumer {
    consumer_of(&component().on("data/input").reply("data/output", handler))
}

pub(super) fn consumer_of(component: &Component) -> Consumer {
    let (log, _) = mov::log::open(log::LevelFilter::Info, Identity::default());
    let options = tuning::Options {
        retry: retry::Options { first_delay: Duration::from_millis(20), ..Default::default() },
        dead_letters: true,
        ..Default::default()
    };
    let resolved = component.check().unwrap();
    let router =
        Router::new(resolved.routes_of(Kind::Data), resolved.scope(log.clone()), Arc::new(Tuning::new(options)));
    Consumer::new(router, log, Options { prefetch: 8, bytes_in_flight: 1 << 20, ..Options::default() }, Arc::default())
}

fn echo(message: Value, _: &Context) -> Result<Value, Failure> {
    Ok(message)
}

fn publish_inputs(broker: &MemoryBroker, count: usize) {
    with_link(broker, move |link| {
        link.declare(INPUT).unwrap();
        link.declare(OUTPUT).unwrap();
        for number in 0..count {
            link.publish(&Outgoing::new(INPUT, format!("{{\"n\":{number}}}").into_bytes())).unwrap();
        }
    });
}

fn start(broker: &MemoryBroker, consumer: Consumer, shutdown: Shutdown) -> JoinHandle<Result<(), Error>> {
    let broker = broker.clone();
    std::thread::spawn(move || with_link(&broker, move |link| consumer.run(link, &shutdown, || {})))
}

/// Runs `consumer` until `condition`, and stops it.
fn run_until(broker: &MemoryBroker, consumer: Consumer, what: &str, condition: impl Fn() -> bool) {
    run_while(broker, consumer, || wait_until(what, LIMIT, condition)).expect("the session was lost");
}

/// Runs `consumer` during `work`, and returns how it ended.
pub(super) fn run_while(broker: &MemoryBroker, consumer: Consumer, work: impl FnOnce()) -> Result<(), Error> {
    let (handle, shutdown) = shutdown::channel();
    let running = start(broker, consumer, shutdown);
    work();
    drop(handle);
    running.join().unwrap()
}

#[test]
fn each_message_is_acknowledged_once_its_reply_is_published() {
    let broker = MemoryBroker::default();
    publish_inputs(&broker, 100);
    run_until(&broker, consumer(echo), "a hundred replies", || broker.depth(OUTPUT) == Some(100));
    assert_eq!(broker.depth(INPUT), Some(0), "a message with a reply was not acknowledged");
}

#[test]
fn a_failed_message_is_retried() {
    let broker = MemoryBroker::default();
    publish_inputs(&broker, 1);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let fails_twice = move |message, _: &Context| {
        if counted.fetch_add(1, Ordering::SeqCst) < 2 { Err(Failure::retry("not yet")) } else { Ok(message) }
    };
    run_until(&broker, consumer(fails_twice), "the third attempt", || broker.depth(OUTPUT) == Some(1));
    assert_eq!(attempts.load(Ordering::SeqCst), 3);
}

#[test]
fn a_lost_session_ends_the_consumer_with_an_error() {
    let broker = MemoryBroker::default();
    publish_inputs(&broker, 1);
    let (_handle, shutdown) = shutdown::channel();
    let running = start(&broker, consumer(echo), shutdown);
    wait_until("the reply", LIMIT, || broker.depth(OUTPUT) == Some(1));
    broker.lose_all_sessions();
    assert!(running.join().unwrap().is_err(), "the consumer did not notice that its session is lost");
}

#[test]
fn a_message_whose_reply_is_too_large_becomes_a_dead_letter() {
    let broker = MemoryBroker::default();
    publish_inputs(&broker, 10);
    let one_large = |message: Value, _: &Context| {
        let padding = if message["n"] == 3 { 1000 } else { 1 };
        Ok(json!({ "n": message["n"], "padding": "x".repeat(padding) }))
    };
    broker.limit_size(500);
    run_until(&broker, consumer(one_large), "all replies but one", || broker.depth(OUTPUT) == Some(9));
    assert_eq!(broker.depth(DEAD_LETTERS), Some(1));
    assert_eq!(broker.depth(INPUT), Some(0), "a message was not acknowledged");
}

#[test]
fn messages_for_a_denied_queue_wait_unacknowledged_and_delay_no_others() {
    let broker = MemoryBroker::default();
    publish_inputs(&broker, 100);
    broker.forbid(DEAD_LETTERS, true);
    let refuse_some = |message: Value, _: &Context| {
        if message["n"] == 3 || message["n"] == 5 { Err(Failure::refuse("bad")) } else { Ok(message) }
    };
    run_until(&broker, consumer(refuse_some), "all other replies", || broker.depth(OUTPUT) == Some(98));
    assert_eq!(broker.depth(INPUT), Some(2), "the refused messages are not in their queue");
    broker.forbid(DEAD_LETTERS, false);
    run_until(&broker, consumer(refuse_some), "the dead letters", || broker.depth(DEAD_LETTERS) == Some(2));
    assert_eq!(broker.depth(INPUT), Some(0), "a dead letter was not acknowledged");
}
