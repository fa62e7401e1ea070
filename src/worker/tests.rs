//! The worker on the broker inside the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::broker::{Job, Session};
use crate::component::Component;
use crate::exchange::Said;
use crate::failure::Failure;
use crate::handler::Answer;
use crate::message::Outgoing;
use crate::mov;
use crate::mov::identity::Identity;
use crate::name::Kind;

const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/heard: { subscribe: {} }
  valawai/c1/echo/data/said: { publish: {} }
";
const HEARD: &str = "valawai/c1/echo/data/heard";
const SAID: &str = "valawai/c1/echo/data/said";
const LIMIT: Duration = Duration::from_secs(10);

fn worker(handler: impl Answer) -> Worker {
    let component = Component::new("1.0.0", CONTRACT).on("data/heard").answer("data/said", handler);
    let (log, _) = mov::log::open(log::LevelFilter::Info, Identity::default());
    let options = crate::router::Options {
        retry: crate::retry::Options { first: Duration::from_millis(20), ..Default::default() },
        dead_letters: true,
        ..Default::default()
    };
    let router = Router::new(&component.check().unwrap(), Kind::Data, log.clone(), options);
    Worker::new(router, log, Options { prefetch: 8, bytes_in_hand: 1 << 20, ..Options::default() }, Arc::default())
}

/// Does `job` with a link of its own, and waits until it is done.
fn with_link<T: Send + 'static>(broker: &MemoryBroker, job: impl FnOnce(&mut dyn Link) -> T + Send + 'static) -> T {
    let (done, result) = crossbeam_channel::bounded(1);
    let mut session = broker.connect().unwrap();
    let job: Job = Box::new(move |link| done.send(job(link.unwrap())).unwrap());
    session.spawn("test", ConsumeOn::Shared, job).unwrap();
    result.recv_timeout(LIMIT).expect("the job did not end")
}

fn put(broker: &MemoryBroker, count: usize) {
    with_link(broker, move |link| {
        link.declare(HEARD).unwrap();
        link.declare(SAID).unwrap();
        for number in 0..count {
            link.publish(&Outgoing::new(HEARD, format!("{{\"n\":{number}}}").into_bytes())).unwrap();
        }
    });
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come true in {LIMIT:?}");
        std::thread::yield_now();
    }
}

#[test]
fn each_message_is_answered_and_acknowledged_and_a_stop_ends_the_worker() {
    let broker = MemoryBroker::default();
    put(&broker, 100);
    let worker = worker(|heard: &crate::Heard<'_>, _: &crate::Context<'_>| Said::json(heard));
    let (caller, stop) = crossbeam_channel::bounded(0);
    let at_work = {
        let broker = broker.clone();
        std::thread::spawn(move || with_link(&broker, move |link| worker.run(link, &stop, || {})))
    };
    until("a hundred answers", || broker.depth(SAID) == Some(100));
    drop(caller);
    at_work.join().unwrap().unwrap();
    assert_eq!(broker.depth(HEARD), Some(0), "something answered was not acknowledged");
}

#[test]
fn a_message_to_be_tried_again_is_and_a_lost_session_gives_everything_back() {
    let broker = MemoryBroker::default();
    put(&broker, 1);
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let worker = worker(move |heard: &crate::Heard<'_>, _: &crate::Context<'_>| {
        if counted.fetch_add(1, Ordering::SeqCst) < 2 { Err(Failure::retry("not yet")) } else { Said::json(heard) }
    });
    let (_caller, stop) = crossbeam_channel::bounded(0);
    let at_work = {
        let broker = broker.clone();
        std::thread::spawn(move || with_link(&broker, move |link| worker.run(link, &stop, || {})))
    };
    until("the third try", || broker.depth(SAID) == Some(1));
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    broker.lose_all_sessions();
    assert!(at_work.join().unwrap().is_err(), "the worker did not notice that its session is lost");
}

/// Runs `worker` on `broker` until `is_done`, and stops it in order.
fn run_until(broker: &MemoryBroker, worker: Worker, what: &str, is_done: impl Fn() -> bool) {
    let (caller, stop) = crossbeam_channel::bounded(0);
    let broker = broker.clone();
    let at_work = std::thread::spawn(move || with_link(&broker, move |link| worker.run(link, &stop, || {})));
    until(what, is_done);
    drop(caller);
    at_work.join().unwrap().expect("a session that lives");
}

#[test]
fn an_answer_that_is_too_large_becomes_a_dead_letter() {
    let broker = MemoryBroker::default();
    put(&broker, 10);
    let worker = worker(|heard: &crate::Heard<'_>, _: &crate::Context<'_>| {
        let number: serde_json::Value = heard.read()?;
        let padding = if number["n"] == 3 { 1000 } else { 1 };
        Said::json(&serde_json::json!({ "n": number["n"], "padding": "x".repeat(padding) }))
    });
    broker.limit_size(500);
    run_until(&broker, worker, "all but one to be answered", || broker.depth(SAID) == Some(9));
    assert_eq!(broker.depth("valawai/c1/echo/dead_letter/data/heard"), Some(1));
    assert_eq!(broker.depth(HEARD), Some(0), "something was not acknowledged");
}

#[test]
fn what_waits_for_a_queue_of_our_own_keeps_nothing_else_waiting_and_is_not_acknowledged() {
    const DEAD: &str = "valawai/c1/echo/dead_letter/data/heard";
    let broker = MemoryBroker::default();
    put(&broker, 100);
    broker.forbid(DEAD, true);
    let refuse_some = |heard: &crate::Heard<'_>, _: &crate::Context<'_>| {
        let number: serde_json::Value = heard.read()?;
        if number["n"] == 3 || number["n"] == 5 { Err(Failure::refuse("bad")) } else { Said::json(heard) }
    };
    run_until(&broker, worker(refuse_some), "all others to be answered", || broker.depth(SAID) == Some(98));
    assert_eq!(broker.depth(HEARD), Some(2), "what could not be buried is not there any more, or something else is");
    broker.forbid(DEAD, false);
    run_until(&broker, worker(refuse_some), "the dead letters", || broker.depth(DEAD) == Some(2));
    assert_eq!(broker.depth(HEARD), Some(0), "a dead letter was not acknowledged");
}
