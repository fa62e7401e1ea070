//! Replies that the broker rejects, and connections that break.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use testkit::wait::SOON;
use testkit::wait_until;
use valawai::{Component, Context, Failure};

use super::{ALARM, Running, TEMPERATURE, alarm, alarm_contract, number, numbers};

/// Replies whether the message was delivered before, after `before` was called with the number of the call, from 1. Returns the
/// number of calls as well.
fn redeliveries(before: impl Fn(usize) + Send + Sync + 'static) -> (Component, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let component = alarm(move |_, context: &Context| {
        before(counter.fetch_add(1, Ordering::SeqCst) + 1);
        Ok(json!({ "redelivered": context.message().redelivered() }))
    });
    (component, calls)
}

pub(super) fn a_rejected_reply_delivers_its_message_again_until_it_is_accepted<R: Running>() {
    let (component, calls) = redeliveries(|_| {});
    let running = R::run(&component);
    running.reject(ALARM, true);
    running.publish(TEMPERATURE, &number(1));
    wait_until("another delivery", SOON, || calls.load(Ordering::SeqCst) > 1);
    assert!(running.published(ALARM).is_empty(), "the reply was accepted");
    running.reject(ALARM, false);
    assert_eq!(running.receive(ALARM), json!({ "redelivered": true }));
    running.wait_until_acknowledged(TEMPERATURE);
    assert_eq!(running.published(ALARM).len(), 1);
}

pub(super) fn a_message_is_answered_in_the_next_session<R: Running>() {
    let (component, _) = redeliveries(|_| {});
    let running = R::run(&component);
    for _ in 0..2 {
        running.disconnect();
        running.publish(TEMPERATURE, &number(1));
        assert_eq!(running.receive(ALARM), json!({ "redelivered": false }));
        running.wait_until_acknowledged(TEMPERATURE);
    }
}

pub(super) fn a_message_whose_handler_is_stuck_is_delivered_to_the_next_session<R: Running>() {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (component, calls) = redeliveries(move |call| {
        if call == 1 {
            // It returns when `release` is dropped.
            let _ = released.recv();
        }
    });
    let running = R::run(&component);
    running.publish(TEMPERATURE, &number(1));
    wait_until("the call", SOON, || calls.load(Ordering::SeqCst) == 1);
    running.disconnect();
    assert_eq!(running.receive(ALARM), json!({ "redelivered": true }));
    running.wait_until_acknowledged(TEMPERATURE);
    drop(release);
    running.publish(TEMPERATURE, &number(2));
    assert_eq!(running.receive(ALARM), json!({ "redelivered": false }), "the session that is over published a reply");
}

pub(super) fn a_state_is_rolled_back_with_rejected_replies_and_lost_sessions<R: Running>() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let count = move |_: Value, count: &mut u64, _: &Context| -> Result<Value, Failure> {
        counter.fetch_add(1, Ordering::SeqCst);
        *count += 1;
        Ok(number(*count))
    };
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .with_state(0)
        .reply(ALARM, count)
        .parameters(|_: Value, _| Ok(()));
    let running = R::run(&component);
    for round in 1..=2 {
        running.reject(ALARM, true);
        let before = calls.load(Ordering::SeqCst);
        for _ in 0..5 {
            running.publish(TEMPERATURE, &json!({}));
        }
        wait_until("deliveries of the same messages", SOON, || calls.load(Ordering::SeqCst) > before + 5);
        running.disconnect();
        running.reject(ALARM, false);
        running.wait_until_acknowledged(TEMPERATURE);
        let counts: BTreeSet<u64> = numbers(&running, ALARM).into_iter().collect();
        assert_eq!(counts, (1..=5 * round).collect(), "a count is missing, or one was not rolled back");
    }
}

pub(super) fn a_component_stays_registered_when_its_connection_breaks<R: Running>() {
    let (component, _) = redeliveries(|_| {});
    let running = R::run(&component);
    let notice = running.wait_registered();
    assert_eq!((notice["name"].as_str(), notice["type"].as_str()), (Some("c1_alarm"), Some("C1")));
    running.disconnect();
    running.publish(TEMPERATURE, &number(1));
    let _ = running.receive(ALARM);
    assert_eq!(running.wait_registered(), notice, "it registered again");
}
