//! Exchanges that delay messages, on a broker without the plugin for them.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{AmqpValue, Message, Node};

use super::{EXCHANGE, ROUTE_DEAD_LETTERS, ROUTE_RETRIES, sample_on, with_routes};
use crate::test_bed::{SOON, TestBed};

fn delayed(id: &str, delay: AmqpValue) -> Message {
    Message::json(&json!({"content": id})).message_id(id).header_value("x-delay", delay)
}

/// The sample of the documentation with an exchange that delays.
fn test_bed() -> TestBed {
    let vhost = Node::shared().vhost();
    let mut sample = sample_on(&vhost);
    sample["queue_config"][0]["exchange"]["type"] = json!("x-delayed-message");
    let test_bed = with_routes(TestBed::in_vhost(vhost), &sample);
    test_bed.client.declare_exchange("events", "topic");
    test_bed
}

#[test]
fn without_the_plugin_messages_are_delayed_in_retry_queues_and_that_is_said_once() {
    let test_bed = test_bed();
    let component = test_bed.start();
    component.wait_output("does not have the plugin for x-delayed-message", SOON);
    component.wait_output("route requests is connected", SOON);
    let began = Instant::now();
    test_bed.client.publish_to(EXCHANGE, "requested.late", &delayed("late", AmqpValue::LongInt(1500)));
    test_bed.client.publish_to(EXCHANGE, "requested.now", &Message::json(&json!({"content": "now"})).message_id("now"));
    assert_eq!(test_bed.next_reply().message_id(), Some("now"));
    assert!(began.elapsed() < Duration::from_millis(1500), "the message without a delay was late");
    assert_eq!(test_bed.next_reply().message_id(), Some("late"));
    assert!(began.elapsed() >= Duration::from_millis(1500), "the delay was {:?}", began.elapsed());
    assert!(test_bed.client.queue_info(&format!("{ROUTE_RETRIES}/1536")).is_some(), "another queue was used");
    // The broker closes the connection of the probe, and no other.
    Node::shared().close_connections_of(&test_bed.vhost);
    component.wait_output("route requests works again", SOON);
    let output = component.output();
    assert_eq!(output.matches("does not have the plugin").count(), 1, "{output}");
}

#[test]
fn a_delayed_message_that_fails_is_delayed_once_and_stored_once_for_each_attempt() {
    let test_bed = test_bed().env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1).env("MAX_RETRIES", 1).env("RETRY_TTL", 50);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    component.wait_output("route store is connected", SOON);
    let began = Instant::now();
    test_bed.client.publish_to(EXCHANGE, "requested", &delayed("m-1", AmqpValue::LongInt(800)));
    let stored = test_bed.client.receive("store", 4, SOON);
    assert!(began.elapsed() < Duration::from_millis(1600), "the retry was delayed too: {:?}", began.elapsed());
    let outcomes: Vec<_> = stored.iter().map(|message| message.json()["meta"]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["received", "retry", "received", "dead-letter"]);
    let is_dead = || test_bed.client.queue_info(ROUTE_DEAD_LETTERS)?.messages.eq(&1).then_some(());
    component.wait_until("a dead letter", SOON, is_dead);
}

#[test]
fn hostile_delays_affect_no_other_message() {
    let test_bed = test_bed();
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    for (number, delay) in [
        AmqpValue::LongLongInt(i64::MAX),
        AmqpValue::LongLongInt(i64::MIN),
        AmqpValue::LongInt(-5000),
        AmqpValue::LongInt(0),
        AmqpValue::LongString("soon".into()),
        AmqpValue::Double(1e300),
        AmqpValue::Void,
    ]
    .into_iter()
    .enumerate()
    {
        let id = number.to_string();
        test_bed.client.publish_to(EXCHANGE, "requested", &delayed(&id, delay));
        assert_eq!(test_bed.next_reply().message_id(), Some(&*id), "it was delayed");
    }
    test_bed.client.publish_to(EXCHANGE, "requested", &delayed("longest", AmqpValue::LongLongInt(u32::MAX.into())));
    let queue = format!("{ROUTE_RETRIES}/{}", u32::MAX);
    component
        .wait_until("the longest delay", SOON, || test_bed.client.queue_info(&queue)?.messages.eq(&1).then_some(()));
    test_bed.client.publish_to(EXCHANGE, "requested", &delayed("text", AmqpValue::LongString("10".into())));
    assert_eq!(test_bed.next_reply().message_id(), Some("text"));
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
}
