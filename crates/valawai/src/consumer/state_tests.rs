//! Handlers with a state, on the in-memory broker.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::wait_until;

use super::tests::{DEAD_LETTERS, INPUT, LIMIT, OUTPUT, component, consumer_of, run_while};
use super::*;
use crate::broker::memory::{MemoryBroker, OnPublish, with_link};
use crate::component::Context;
use crate::failure::Failure;
use crate::message::{Message, Outgoing};

/// Replies with each number that is not the last one: it must not take a number for published that was not.
fn changes(message: Value, last: &mut Option<u64>, _: &Context) -> Result<Option<Value>, Failure> {
    let number = message["number"].as_u64();
    let has_changed = *last != number;
    *last = number;
    Ok(has_changed.then_some(message))
}

fn filter(prefetch: u16) -> Consumer {
    let component = component().on("data/input").with_state(None).reply_optional("data/output", changes);
    Consumer { options: Options { prefetch, ..Options::default() }, ..consumer_of(&component) }
}

/// A broker with each number below `count` twice.
fn broker_with(count: u64) -> MemoryBroker {
    let broker = MemoryBroker::default();
    let bodies: Vec<Value> = (0..count).flat_map(|number| [number, number]).map(|n| json!({ "number": n })).collect();
    with_link(&broker, move |link| {
        link.declare(INPUT).unwrap();
        link.declare(OUTPUT).unwrap();
        for body in bodies {
            link.publish(&Outgoing::new(INPUT, body.to_string().into())).unwrap();
        }
    });
    broker
}

fn replied_numbers(broker: &MemoryBroker) -> Vec<u64> {
    let number = |reply: &Message| serde_json::from_slice::<Value>(&reply.body).unwrap()["number"].as_u64().unwrap();
    broker.messages(OUTPUT).iter().map(number).collect()
}

fn all(count: u64) -> BTreeSet<u64> {
    (0..count).collect()
}

/// Waits until everything was consumed, and asserts that each number below `count` was replied.
#[track_caller]
fn assert_all_replied(broker: &MemoryBroker, count: u64) {
    let replied = || BTreeSet::from_iter(replied_numbers(broker));
    wait_until("each number", LIMIT, || replied() == all(count));
}

#[test]
fn a_filter_replies_with_each_change_once() {
    let broker = broker_with(500);
    run_while(&broker, filter(1024), || assert_all_replied(&broker, 500)).unwrap();
    assert_eq!(replied_numbers(&broker), (0..500).collect::<Vec<_>>(), "the filter repeated a number");
}

#[test]
fn no_change_is_lost_while_replies_are_rejected() {
    for prefetch in [1, 16, 1024] {
        let broker = broker_with(400);
        run_while(&broker, filter(prefetch), || {
            for round in 1..=5 {
                wait_until("replies", LIMIT, || replied_numbers(&broker).len() >= round * 10);
                broker.on_publish(OUTPUT, OnPublish::Nack);
                thread::sleep(Duration::from_millis(20));
                broker.on_publish(OUTPUT, OnPublish::Confirm);
            }
            assert_all_replied(&broker, 400);
        })
        .unwrap();
    }
}

#[test]
fn no_change_is_lost_with_a_session() {
    let broker = broker_with(400);
    broker.on_publish(OUTPUT, OnPublish::Withhold);
    let consumer = filter(1024);
    let result = run_while(&broker, consumer.clone(), || {
        wait_until("replies", LIMIT, || !replied_numbers(&broker).is_empty());
        broker.lose_all_sessions();
    });
    assert!(result.is_err(), "the session was not lost");
    let unconfirmed = broker.purge(OUTPUT);
    assert!(unconfirmed > 0);
    broker.on_publish(OUTPUT, OnPublish::Confirm);
    run_while(&broker, consumer, || {
        wait_until("the last number", LIMIT, || replied_numbers(&broker).contains(&399));
    })
    .unwrap();
    assert_eq!(replied_numbers(&broker).first(), Some(&0), "the first number was taken for published");
}

#[test]
fn the_change_of_a_handler_that_fails_is_undone() {
    let sum = |message: Value, sum: &mut u64, _: &Context| {
        let number = message["number"].as_u64().unwrap();
        *sum += number;
        if number % 100 == 7 { Err(Failure::refuse("an unlucky number")) } else { Ok(json!({ "number": *sum })) }
    };
    let component = component().on("data/input").with_state(0).reply("data/output", sum);
    let broker = broker_with(1000);
    run_while(&broker, consumer_of(&component), || {
        wait_until("all messages", LIMIT, || broker.depth(DEAD_LETTERS) == Some(20) && broker.depth(INPUT) == Some(0));
        let expected = (0..1000).filter(|number| number % 100 != 7).map(|number| 2 * number).sum();
        wait_until("the sum", LIMIT, || replied_numbers(&broker).contains(&expected));
        assert_eq!(replied_numbers(&broker).iter().max(), Some(&expected), "a change was counted twice");
    })
    .unwrap();
}
