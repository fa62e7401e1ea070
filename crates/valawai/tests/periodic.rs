//! Periodic publishing, `.every(…).publish(…)`: failures of the handler and of the broker.

mod rabbitmq;
mod shutdown;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use valawai::internals::asyncapi::sample;
use valawai::internals::broker::memory::OnPublish;
use valawai::{Component, Context, Failure};

use crate::contract::with_link;
use crate::running_component::{HEARTBEAT, RunningComponent, component_of, contract};
use testkit::wait::SOON;
use testkit::{log_capture, wait_until};

const OFTEN: Duration = Duration::from_millis(10);
const ONCE: Duration = Duration::from_secs(3600);

/// Parts of the log lines about a missing queue, and about a queue that exists now.
const IS_MISSING: &str = "does not exist; messages published to it are dropped";
const EXISTS: &str = "exists now";

/// A component that publishes a heartbeat each `period`, after it called `before` with the number of the call, from 1. Returns
/// the number of calls as well.
fn publishing<F>(period: Duration, before: F) -> (Component, Arc<AtomicUsize>)
where
    F: Fn(usize, &Context) -> Result<(), Failure> + Send + Sync + 'static,
{
    publishing_on("heartbeat", period, before)
}

/// The same on the channel `data/<operation>`, for tests that count the log lines about their channel.
fn publishing_on<F>(operation: &str, period: Duration, before: F) -> (Component, Arc<AtomicUsize>)
where
    F: Fn(usize, &Context) -> Result<(), Failure> + Send + Sync + 'static,
{
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let heartbeat = move |context: &Context| {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        before(number, context)?;
        Ok(Some(json!({ "number": number })))
    };
    let component = component_of(contract().replace("heartbeat", operation).leak());
    (component.every(period).publish(&format!("data/{operation}"), heartbeat), calls)
}

#[test]
fn a_panic_is_reported_and_the_handler_is_called_again() {
    let (component, _) = publishing(OFTEN, |number, _| {
        assert!(number > 2, "the sensor overheated");
        Ok(())
    });
    let running = RunningComponent::start(&component);
    running.wait_for(HEARTBEAT, 3);
    running.wait_for_entry("ERROR", "the sensor overheated");
    let lines = log_capture::lines_containing(&["[ERROR]", "the sensor overheated"]);
    assert!(!lines.is_empty(), "the component's own log does not contain the panic");
    assert_eq!(running.sessions(), 1, "the panic ended the session");
}

#[test]
fn failures_are_reported_to_the_mov() {
    let (component, _) = publishing(OFTEN, |number, _| match number {
        1 => Err(Failure::refuse("the sensor is broken")),
        2 => Err(Failure::retry("the sensor is busy")),
        _ => Ok(()),
    });
    let running = RunningComponent::start(&component);
    running.wait_for_entry("ERROR", "Nothing is published on data/heartbeat, because the sensor is broken");
    running.wait_for_entry("WARN", "Nothing is published on data/heartbeat, because the sensor is busy");
    running.wait_for(HEARTBEAT, 1);
}

#[test]
fn a_missing_queue_is_reported_once_and_its_messages_are_counted_across_sessions() {
    const UNCONNECTED: &str = "valawai/c1/alone/data/unconnected";
    let contract = sample("c1/alone", &["publish data/unconnected"]);
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let handler = move |_: &Context| {
        counter.fetch_add(1, Ordering::SeqCst);
        Ok(Some(json!({})))
    };
    let component = Component::new("1.0.0", contract).every(OFTEN).publish("data/unconnected", handler);
    let running = RunningComponent::start(&component);
    let warnings = || log_capture::lines_containing(&["[WARN]", IS_MISSING, UNCONNECTED]).len();
    wait_until("the warning", SOON, || warnings() > 0);
    running.broker.lose_all_sessions();
    let before = calls.load(Ordering::SeqCst);
    wait_until("more calls in another session", SOON, || calls.load(Ordering::SeqCst) > before + 3);
    assert_eq!((warnings(), running.sessions()), (1, 2), "the warning is not logged once");
    with_link(&running.broker, |link| link.declare(UNCONNECTED).unwrap());
    running.wait_for(UNCONNECTED, 1);
    let line = wait_until("the end of the warning", SOON, || {
        log_capture::lines_containing(&["[INFO]", EXISTS, UNCONNECTED]).pop()
    });
    let dropped: usize = line.split(' ').find_map(|word| word.parse().ok()).expect("a count");
    assert!((before..calls.load(Ordering::SeqCst)).contains(&dropped), "after {calls:?} calls: {line}");
}

#[test]
fn entries_on_confirm_are_logged_when_a_later_session_confirms() {
    let (component, calls) = publishing(ONCE, |_, context| {
        context.log().info("created a heartbeat", &());
        context.log_on_confirm().info("sent a heartbeat", &());
        Ok(())
    });
    let running = RunningComponent::start_with(&component, OnPublish::Withhold);
    let is_sent = || running.mov_log().iter().any(|(_, message)| message == "sent a heartbeat");
    running.wait_for(HEARTBEAT, 1);
    running.wait_for_entry("INFO", "created a heartbeat");
    running.broker.lose_all_sessions();
    running.wait_for(HEARTBEAT, 2);
    running.assert_answers();
    assert!(!is_sent(), "the entry is logged before the broker confirms");
    running.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    wait_until("the entry", SOON, is_sent);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_reconnect_does_not_restart_the_period() {
    let (component, calls) = publishing(ONCE, |_, _| Ok(()));
    let running = RunningComponent::start(&component);
    running.wait_for(HEARTBEAT, 1);
    for sessions in [2, 3] {
        running.broker.lose_all_sessions();
        wait_until("another session", SOON, || running.sessions() == sessions);
        running.assert_answers();
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1, "a period of an hour started again");
}

#[test]
fn the_handler_is_not_called_while_its_last_message_is_unconfirmed() {
    let (component, calls) = publishing(OFTEN, |_, _| Ok(()));
    let running = RunningComponent::start_with(&component, OnPublish::Withhold);
    running.wait_for(HEARTBEAT, 1);
    running.assert_answers();
    // There is no state to wait for: the calls that must not happen would take a few periods.
    std::thread::sleep(20 * OFTEN);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "messages accumulate although the broker confirms none");
    running.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    running.wait_for(HEARTBEAT, 5);
}

#[test]
fn a_slow_handler_publishes_in_the_next_session() {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (component, calls) = publishing(ONCE, move |_, _| released.recv().map_err(Failure::refuse));
    let running = RunningComponent::start(&component);
    wait_until("the call", SOON, || calls.load(Ordering::SeqCst) == 1);
    running.broker.lose_all_sessions();
    wait_until("another session", SOON, || running.sessions() == 2);
    running.assert_answers();
    release.send(()).unwrap();
    running.wait_for(HEARTBEAT, 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_nacked_message_is_published_again_until_it_is_accepted() {
    let (component, calls) = publishing(ONCE, |_, _| Ok(()));
    let running = RunningComponent::start_with(&component, OnPublish::Nack);
    wait_until("the warning", SOON, || {
        !log_capture::lines_containing(&["[WARN]", "rejects messages on data/heartbeat"]).is_empty()
    });
    running.broker.on_publish(HEARTBEAT, OnPublish::Confirm);
    running.wait_for(HEARTBEAT, 1);
    assert_eq!((calls.load(Ordering::SeqCst), running.sessions()), (1, 1));
}

#[test]
fn on_one_replica_another_one_takes_over_when_the_first_stops() {
    let on_one_replica = || {
        let (component, calls) = publishing(OFTEN, |_, _| Ok(()));
        (component.on_one_replica(), calls)
    };
    let (first, first_calls) = on_one_replica();
    let first = RunningComponent::start(&first);
    let broker = first.broker.clone();
    wait_until("the first replica to publish", SOON, || first_calls.load(Ordering::SeqCst) > 3);
    let (second, second_calls) = on_one_replica();
    let second = RunningComponent::start_replica(&second, broker);
    second.assert_answers();
    let before = first_calls.load(Ordering::SeqCst);
    wait_until("the first replica to go on", SOON, || first_calls.load(Ordering::SeqCst) > before + 10);
    assert_eq!(second_calls.load(Ordering::SeqCst), 0, "both replicas publish");
    drop(first);
    wait_until("the second replica to take over", SOON, || second_calls.load(Ordering::SeqCst) > 3);
}
