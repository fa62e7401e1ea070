//! Failed messages: retries, fault injection, and the circuit breaker.

use serde_json::json;
use testkit::{Message, Node, wait_until};

use crate::test_bed::{DEAD_LETTERS, INPUT, OUTPUT, SOON, TestBed, assert_none_lost, count_by_number};

const RETRY_QUEUES: &str = "valawai/c1/echo_example_with_rust_and_amiquip/retry/data/received_message";

#[test]
fn a_failed_message_is_retried_until_it_succeeds() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.3)
        .env("CHAOS_PERCENTAGE_SIMULATE_NACK", 0.05)
        .env("CHAOS_SEED", 7)
        .env("MAX_RETRIES", 30)
        .env("RETRY_TTL", 100)
        .env("RETRY_BACKOFF", 1.5)
        .env("RETRY_MAX_TTL", 500)
        .env("LOG_MOV_LEVEL", "ERROR");
    let component = test_bed.start();
    component.wait_output("CHAOS", SOON);
    test_bed.publish_numbered(300);
    let counts = count_by_number(&test_bed.client.receive(OUTPUT, 300, SOON));
    assert_eq!(assert_none_lost(&counts, 300), 0, "a retried message has two replies");
    assert!(test_bed.client.queue_info(&format!("{RETRY_QUEUES}/100")).is_some(), "no message was retried");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "a message became a dead letter");
}

#[test]
fn a_message_that_always_fails_becomes_a_dead_letter_after_the_last_attempt() {
    let test_bed = TestBed::on(Node::shared())
        .env("EVENT_CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50)
        .env("RETRY_BACKOFF", 2)
        .env("LOG_MOV_LEVEL", "ERROR");
    let component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "hello"})).message_id("m-1"));
    test_bed.wait_dead_letters(1, &component);
    let dead = test_bed.client.get(DEAD_LETTERS).expect("a dead letter");
    assert_eq!((dead.text_header("x-attempts"), dead.message_id()), (Some("3"), Some("m-1")));
    assert_eq!(dead.json(), json!({"content": "hello"}));
    for delay in [50, 100] {
        assert!(
            test_bed.client.queue_info(&format!("{RETRY_QUEUES}/{delay}")).is_some(),
            "there was no retry after {delay} ms"
        );
    }
    assert!(test_bed.log_entry()["message"].as_str().is_some_and(|text| text.contains("3 attempts failed")));
}

#[test]
fn no_faults_are_injected_into_an_excluded_queue() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("CHAOS_PROTECTED_ROUTING_KEYS", format!("other,{INPUT}"));
    let _component = test_bed.start();
    test_bed.assert_echoes("hello");
}

#[test]
fn too_many_failures_open_the_circuit_breaker() {
    let test_bed = TestBed::on(Node::shared()).env("KILL_SWITCH_RATIO", 0.5).env("LOG_MOV_LEVEL", "ERROR");
    let component = test_bed.start();
    for _ in 0..60 {
        test_bed.client.publish(INPUT, &Message::bare("{}"));
    }
    component.wait_output("consuming pauses for", SOON);
    test_bed.publish("hello");
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(OUTPUT), 0, "it replied during the pause");
    assert_eq!(test_bed.client.depth(INPUT), 11, "ten of sixty invalid messages and a valid one were not consumed");
}

#[test]
fn a_message_near_the_delivery_limit_of_a_quorum_queue_is_republished_and_processed() {
    let node = Node::shared();
    let test_bed = TestBed::in_vhost(node.quorum_vhost());
    node.set_policy(&test_bed.vhost, "limit", "received_message$", &json!({"delivery-limit": 20}));
    test_bed.publish("hello");
    wait_until("twelve deliveries without an ack", SOON, || test_bed.client.get_without_ack(INPUT) >= Some(12));
    let component = test_bed.start();
    component.wait_output("republishing it", SOON);
    assert_eq!(test_bed.next_reply().json(), json!({"content": "hello"}));
    test_bed.assert_echoes("a later message");
}
