//! Dead letters: messages that are refused, or fail on every attempt, with what is known about them.

use serde_json::{Value, json};
use testkit::{AmqpValue, Client, FieldTable, Message, Node};

use crate::test_bed::{DEAD_LETTERS, INPUT, LONG, MOV_LOG, OUTPUT, SOON, TestBed};

#[test]
fn a_refused_message_becomes_a_dead_letter_with_its_body_properties_and_error() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let component = test_bed.start();
    for body in [&b"\xff\x00 not JSON"[..], br#"{"content": ""}"#, b"[1]"] {
        let message = Message::bare(body)
            .message_id("m-1")
            .correlation_id("q-1")
            .content_type("text/plain")
            .header("kept", "unchanged")
            .expiration(600_000);
        test_bed.client.publish(INPUT, &message);
        test_bed.wait_dead_letters(1, &component);
        let dead = test_bed.client.get(DEAD_LETTERS).expect("a dead letter");
        assert_eq!(dead.body, body, "the dead letter has another body than the message");
        assert_eq!(dead.text_header("x-original-queue"), Some(INPUT));
        assert_eq!(dead.text_header("x-attempts"), Some("1"));
        assert!(dead.text_header("x-error").is_some_and(|reason| !reason.is_empty()));
        let failed_at: u64 = dead.text_header("x-failed-at").and_then(|text| text.parse().ok()).expect("a time");
        assert!(failed_at > 1_700_000_000, "the time of the failure is {failed_at}");
        assert_eq!(dead.text_header("kept"), Some("unchanged"));
        assert_eq!((dead.message_id(), dead.correlation_id()), (Some("m-1"), Some("q-1")));
        assert_eq!(dead.content_type(), Some("text/plain"));
        assert!(dead.is_persistent(), "the dead letter is not persistent");
        assert_eq!(test_bed.log_entry()["level"], "ERROR");
    }
    test_bed.assert_echoes("after the refused messages");
    assert_eq!(test_bed.client.depth(MOV_LOG), 0, "a dead letter was logged more than once");
}

#[test]
fn without_dead_letters_a_refused_message_is_logged_and_acknowledged() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR").env("DEAD_LETTER", 0);
    let component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::bare("{}"));
    assert_eq!(test_bed.log_entry()["level"], "ERROR");
    test_bed.assert_echoes("after the refused message");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "the dead letter queue was declared");
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(INPUT), 0);
}

#[test]
fn a_dead_letter_queue_with_other_arguments_is_reported_once_and_its_messages_wait() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length".into(), AmqpValue::LongInt(5));
    test_bed.client.declare_with(DEAD_LETTERS, arguments);
    let component = test_bed.start();
    for number in 0..3 {
        test_bed.client.publish(INPUT, &Message::bare("[]").message_id(format!("bad-{number}")));
    }
    let reported = |entry: &Value| entry["message"].as_str().is_some_and(|text| text.contains(DEAD_LETTERS));
    let entries: Vec<_> = (0..4).map(|_| test_bed.log_entry()).collect();
    assert_eq!(
        entries.iter().filter(|entry| reported(entry)).count(),
        1,
        "the queue was not reported once: {entries:?}"
    );
    for number in 0..50 {
        test_bed.assert_echoes(&number.to_string());
    }
    let unacknowledged = || Node::shared().queue(&test_bed.vhost, INPUT).map(|queue| queue.messages_unacknowledged);
    component.wait_until("all but the refused messages to be acknowledged", SOON, || unacknowledged() == Some(3));
    test_bed.client.delete(DEAD_LETTERS);
    test_bed.wait_dead_letters(3, &component);
    component.wait_until("the refused messages to be acknowledged", SOON, || unacknowledged() == Some(0));
    assert_eq!(test_bed.client.depth(MOV_LOG), 0, "the queue was reported again");
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
}

#[test]
fn a_message_that_exceeds_the_limit_of_the_broker_waits_and_affects_no_others() {
    let node = Node::start();
    let test_bed = TestBed::on(&node).env("LOG_MOV_LEVEL", "ERROR");
    let large = json!({"content": "x".repeat(600_000)});
    test_bed.client.publish(INPUT, &Message::json(&large).header("kept", "unchanged"));
    // The waiting message, its reply and its dead letter exceed the limit from now on.
    node.limit_message_size(400_000);
    let component = test_bed.start();
    let entry = test_bed.log_entry();
    let report = entry["message"].as_str().unwrap_or_default();
    assert!(report.contains("600014 bytes") && report.contains("max_message_size"), "{entry}");
    test_bed.assert_echoes("small enough");
    node.limit_message_size(134_217_728);
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
    // The component learns the new limit with a new session.
    node.close_connections_of(&test_bed.vhost);
    let client = Client::connect(&test_bed.vhost);
    let reply = client.receive(OUTPUT, 1, LONG).remove(0);
    assert!(reply.json() == large, "the reply has another content");
}
