//! What comes over routes is untrusted, as what comes over channels.

use serde_json::json;
use testkit::{AmqpValue, FieldTable, Message};

use super::{QUEUE, ROUTE_DEAD_LETTERS, queue_producer, test_bed};
use crate::test_bed::{INPUT, SOON};

const ALL: [&str; 4] = ["received", "reply", "retry", "dead-letter"];

#[test]
fn hostile_messages_are_stored_and_end_no_session() {
    let routes = json!([{"name": "requests", "type": "consumer", "queue": QUEUE}, queue_producer("store", &ALL)]);
    let test_bed = test_bed(&routes);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    component.wait_output("route store is connected", SOON);
    let nested =
        (0..200).fold(AmqpValue::Void, |inner, _| AmqpValue::FieldTable(FieldTable::from([("x".to_owned(), inner)])));
    let messages = [
        Message::bare(""),
        Message::bare("null"),
        Message::bare(&b"\xff\xfe"[..]),
        Message::bare("[".repeat(20_000)),
        Message::bare("]".repeat(20_000)),
        Message::bare(format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000))),
        Message::json(&json!({"content": "x".repeat(2_000_000)})).message_id("large"),
        Message::json(&json!({"content": "long"})).message_id("é".repeat(127)).correlation_id("c".repeat(255)),
        Message::json(&json!({"content": "nested"})).header_value("x", nested),
        Message::json(&json!({"content": "\u{1b}[2J \u{202e}"})).content_encoding("gzip").content_type("x"),
    ];
    for message in &messages {
        for queue in [QUEUE, INPUT] {
            test_bed.client.publish(queue, message);
            let stored = test_bed.client.receive("store", 2, SOON);
            for message in stored {
                let envelope = message.json();
                assert!(envelope["meta"]["outcome"].is_string(), "no envelope");
                assert!(message.message_id().is_some_and(|id| id.len() <= 255), "no identifier");
            }
        }
    }
    component.wait_until("the dead letters", SOON, || {
        test_bed.client.queue_info(ROUTE_DEAD_LETTERS).is_some_and(|info| info.messages == 6)
    });
    test_bed.client.purge(crate::test_bed::OUTPUT);
    test_bed.assert_echoes("after the hostile messages");
    let output = component.output();
    assert!(!output.contains("reconnecting") && !output.contains("works again"), "a session was lost: {output}");
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn a_consumer_of_a_queue_that_another_consumes_exclusively_is_reported_and_waits() {
    let test_bed = test_bed(&json!([{"name": "requests", "type": "consumer", "queue": QUEUE}]));
    test_bed.client.declare(QUEUE);
    let channel = test_bed.client.channel();
    let options = testkit::amqp::exclusive();
    let consumer = channel.basic_consume(QUEUE, options).expect("an exclusive consumer");
    let component = test_bed.start();
    component.wait_output("another process has exclusive access to the queue requests_for_echo", SOON);
    test_bed.assert_echoes("the channel works");
    testkit::amqp::cancel_consumer(&consumer);
    component.wait_output("route requests works again", SOON);
}
