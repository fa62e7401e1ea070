//! `call` to a running component: it replies to the sender as well as on its output.

use serde_json::json;
use testkit::{Message, Node};

use super::{run_json, run_with_code};
use crate::test_bed::{INPUT, LONG, OUTPUT, TestBed};

#[test]
fn the_sender_of_a_request_gets_the_reply_beside_the_output() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let replies = run_json(&test_bed.vhost, r#"call data/received_message {"content":"hello"} --timeout 30s"#);
    assert_eq!(replies[0]["body"], json!({ "content": "hello" }), "{replies:?}");
    assert_eq!(test_bed.next_reply().json(), json!({ "content": "hello" }), "it was not published on the output");
}

#[test]
fn a_request_that_is_refused_gets_the_reason_and_becomes_a_dead_letter() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    let arguments = r#"call data/received_message {"content":""} --no-check --timeout 30s"#;
    let refused = run_with_code(&test_bed.vhost, arguments, 1);
    let said = refused.stdout + &refused.stderr;
    assert!(said.contains("the string is empty"), "{said}");
    test_bed.wait_dead_letters(1, &component);
}

#[test]
fn a_component_replies_to_no_queue_that_a_sender_chose() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare("victim");
    let component = test_bed.start();
    for reply_to in ["victim", "amq.rabbitmq.reply-to.forged", "amq.gen-unknown"] {
        let message = Message::json(&json!({ "content": reply_to })).reply_to(reply_to);
        test_bed.client.publish(INPUT, &message);
        assert_eq!(test_bed.next_reply().json(), json!({ "content": reply_to }));
    }
    assert_eq!(test_bed.client.depth("victim"), 0, "the component published to it");
    assert!(!component.output().contains("reconnecting"), "{}", component.output());
}

#[test]
fn the_reply_of_a_retried_request_comes_when_it_is_processed() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", "0.6")
        .env("CHAOS_SEED", 3)
        .env("RETRY_TTL", 50)
        .env("MAX_RETRIES", 50);
    let _component = test_bed.start();
    for number in 0..5 {
        let arguments = format!(r#"call data/received_message {{"content":"{number}"}} --timeout 30s"#);
        assert_eq!(run_json(&test_bed.vhost, &arguments)[0]["body"], json!({ "content": number.to_string() }));
    }
    assert_eq!(test_bed.client.receive(OUTPUT, 5, LONG).len(), 5);
}
