//! The trace of a message goes to all that is published for it: replies, retries, dead letters, replays, routes.

use serde_json::{Value, json};
use testkit::{AmqpValue, Message, Node, Received};

use crate::operating::run_json;
use crate::test_bed::{DEAD_LETTERS, INPUT, OUTPUT, SOON, TestBed};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

fn parent() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

fn traced(content: &str) -> Message {
    Message::json(&json!({ "content": content })).header("traceparent", parent()).header("tracestate", "vendor=1")
}

/// Asserts that a message belongs to the trace, and returns the span that sent it.
#[track_caller]
fn span_of(received: &Received) -> String {
    let parent = received.text_header("traceparent").unwrap_or_else(|| panic!("no trace: {received:?}"));
    let fields: Vec<&str> = parent.split('-').collect();
    assert_eq!((fields.len(), fields[0], fields[1], fields[3]), (4, "00", TRACE, "01"), "{parent}");
    assert_eq!(received.text_header("tracestate"), Some("vendor=1"), "{received:?}");
    fields[2].to_owned()
}

#[test]
fn a_reply_belongs_to_the_trace_of_its_message_under_another_span() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let mut spans = Vec::new();
    for content in ["one", "two"] {
        test_bed.client.publish(INPUT, &traced(content));
        spans.push(span_of(&test_bed.next_reply()));
    }
    assert!(spans[0] != SPAN && spans[1] != SPAN && spans[0] != spans[1], "{spans:?}");
}

#[test]
fn a_message_without_a_valid_trace_has_a_reply_without_one() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let plain = Message::json(&json!({"content": "hello"}));
    for message in [
        plain.clone(),
        plain.clone().header("tracestate", "vendor=1"),
        plain.clone().header("traceparent", parent().to_uppercase()),
        plain.clone().header("traceparent", format!("00-{}-{SPAN}-01", "0".repeat(32))),
        plain.clone().header("traceparent", "x".repeat(100_000)),
        plain.clone().header_value("traceparent", AmqpValue::Boolean(true)),
    ] {
        test_bed.client.publish(INPUT, &message);
        let reply = test_bed.next_reply();
        assert_eq!((reply.header("traceparent"), reply.header("tracestate")), (None, None), "{message:.200?}");
    }
}

#[test]
fn a_dead_letter_has_the_trace_of_its_sender_and_its_replay_goes_on_with_it() {
    let test_bed = TestBed::on(Node::shared());
    let failing = test_bed
        .builder()
        .clone()
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50)
        .start();
    test_bed.client.publish(INPUT, &traced("fails"));
    test_bed.wait_dead_letters(1, &failing);
    assert_eq!(failing.stop(SOON).code(), Some(0));
    let letter = test_bed.client.get(DEAD_LETTERS).expect("a dead letter");
    assert_eq!((letter.text_header("x-attempts"), span_of(&letter)), (Some("3"), SPAN.to_owned()));
    test_bed.client.publish(DEAD_LETTERS, &Message { body: letter.body, properties: letter.properties });
    let _component = test_bed.start();
    assert_eq!(run_json(&test_bed.vhost, "dead-letters replay --yes")[0]["moved"], 1);
    assert_ne!(span_of(&test_bed.next_reply()), SPAN);
}

#[test]
fn a_reply_after_a_retry_belongs_to_the_trace() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.5)
        .env("CHAOS_SEED", 7)
        .env("MAX_RETRIES", 100)
        .env("RETRY_TTL", 20)
        .env("RETRY_BACKOFF", 1);
    let component = test_bed.start();
    for number in 0..20 {
        test_bed.client.publish(INPUT, &traced(&number.to_string()));
    }
    let replies = test_bed.client.receive(OUTPUT, 20, SOON);
    component.wait_output("is retried", SOON);
    let mut spans: Vec<String> = replies.iter().map(span_of).collect();
    spans.sort();
    spans.dedup();
    assert_eq!(spans.len(), 20, "two messages have the same span");
}

#[test]
fn the_outputs_of_one_message_have_the_same_span_also_those_of_routes_and_error_reports() {
    let producer = |name: &str, of: Value| json!({"name": name, "type": "producer", "queue": name, "of": of});
    let routes = json!([producer("store", json!(["received", "reply"])), producer("errors", json!(["dead-letter"]))]);
    let test_bed = TestBed::on(Node::shared()).env("QUEUE_CONFIG", &routes).env("MAX_RETRIES", 0);
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    component.wait_output("route errors is connected", SOON);
    test_bed.client.publish(INPUT, &traced("hello"));
    let span = span_of(&test_bed.next_reply());
    let stored = test_bed.client.receive("store", 2, SOON);
    assert_eq!(stored.iter().map(span_of).collect::<Vec<_>>(), [span.clone(), span.clone()]);
    test_bed.client.publish(INPUT, &traced(""));
    let report = test_bed.client.receive("errors", 1, SOON).remove(0);
    assert!(![SPAN.to_owned(), span].contains(&span_of(&report)), "{report:?}");
}

#[test]
fn the_answer_to_a_request_belongs_to_its_trace() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let answers = test_bed.client.declare_answers();
    for (content, status) in [("hello", "success"), ("", "error")] {
        test_bed.client.publish(INPUT, &traced(content).reply_to(&*answers));
        let answer = test_bed.client.receive(&answers, 1, SOON).remove(0);
        assert_eq!(answer.text_header("status"), Some(status));
        assert_ne!(span_of(&answer), SPAN);
    }
}
