//! Messages that fail: tried again later, buried with what is known of them, or made to fail on purpose.

use std::time::Duration;

use serde_json::json;

use crate::test_bed::{HEARD, LONG, MOV_LOG, SAID, SOON, TestBed, assert_all_came_out, count_numbers};
use testkit::{Client, Message, Mov, Node, Process, wait_until};

const DEAD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/dead_letter/data/received_message";
const RETRY: &str = "valawai/c1/echo_example_with_rust_and_amiquip/retry/data/received_message";

#[test]
fn what_is_refused_is_buried_with_all_that_is_known_of_it() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _echo = test_bed.start();
    for body in [&b"\xff\x00 not JSON"[..], br#"{"content": ""}"#, b"[1]"] {
        let message = Message::bare(body)
            .message_id("m-1")
            .correlation_id("q-1")
            .content_type("text/plain")
            .header("kept", "as it was")
            .expiration(600_000);
        test_bed.client.publish(HEARD, &message);
        testkit::wait_until("the dead letter", SOON, || test_bed.client.look(DEAD).is_some_and(|it| it.messages > 0));
        let dead = test_bed.client.get(DEAD).expect("a dead letter");
        assert_eq!(dead.body, body, "a dead letter is not what was heard");
        assert_eq!(dead.text_header("x-original-queue"), Some(HEARD));
        assert_eq!(dead.text_header("x-attempts"), Some("1"));
        assert!(dead.text_header("x-error").is_some_and(|reason| !reason.is_empty()));
        let failed_at: u64 = dead.text_header("x-failed-at").and_then(|text| text.parse().ok()).expect("a time");
        assert!(failed_at > 1_700_000_000, "it failed at {failed_at}");
        assert_eq!(dead.text_header("kept"), Some("as it was"));
        assert_eq!((dead.message_id(), dead.correlation_id()), (Some("m-1"), Some("q-1")));
        assert_eq!(dead.content_type(), Some("text/plain"));
        assert!(dead.is_persistent(), "a dead letter would not survive a restart of the broker");
        assert_eq!(test_bed.log_entry()["level"], "ERROR");
    }
    test_bed.assert_echoes("still here");
    assert_eq!(test_bed.client.depth(MOV_LOG), 0, "a dead letter cost more than one error");
}

#[test]
fn without_dead_letters_it_is_reported_and_done_with() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR").env("DEAD_LETTER", 0);
    let echo = test_bed.start();
    test_bed.client.publish(HEARD, &Message::bare("{}"));
    assert_eq!(test_bed.log_entry()["level"], "ERROR");
    test_bed.assert_echoes("still here");
    assert_eq!(test_bed.client.look(DEAD), None, "a queue was declared that nobody needs");
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(HEARD), 0);
}

#[test]
fn what_fails_is_tried_again_until_it_works() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.3)
        .env("CHAOS_PERCENTAGE_SIMULATE_NACK", 0.05)
        .env("CHAOS_SEED", 7)
        .env("MAX_RETRIES", 30)
        .env("RETRY_TTL", 100)
        .env("RETRY_BACKOFF", 1.5)
        .env("RETRY_MAX_TTL", 500)
        .env("LOG_MOV_LEVEL", "ERROR");
    let echo = test_bed.start();
    echo.wait_output("CHAOS", SOON);
    test_bed.say_numbers(300);
    let counts = count_numbers(&test_bed.client.expect(SAID, 300, SOON));
    assert_eq!(assert_all_came_out(&counts, 300), 0, "a message that was tried again was answered twice");
    assert!(test_bed.client.look(&format!("{RETRY}/100")).is_some(), "nothing failed");
    assert_eq!(test_bed.client.look(DEAD), None, "something was given up");
}

#[test]
fn what_never_works_is_buried_after_the_tries_that_are_allowed() {
    let test_bed = TestBed::on(Node::shared())
        .env("EVENT_CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50)
        .env("RETRY_BACKOFF", 2)
        .env("LOG_MOV_LEVEL", "ERROR");
    let _echo = test_bed.start();
    test_bed.client.publish(HEARD, &Message::json(&json!({"content": "hello"})).message_id("m-1"));
    testkit::wait_until("the dead letter", SOON, || test_bed.client.look(DEAD).is_some_and(|it| it.messages > 0));
    let dead = test_bed.client.get(DEAD).expect("a dead letter");
    assert_eq!((dead.text_header("x-attempts"), dead.message_id()), (Some("3"), Some("m-1")));
    assert_eq!(dead.json(), json!({"content": "hello"}));
    for delay in [50, 100] {
        assert!(test_bed.client.look(&format!("{RETRY}/{delay}")).is_some(), "it did not wait for {delay} ms");
    }
    assert!(test_bed.log_entry()["message"].as_str().is_some_and(|text| text.contains("3 times in vain")));
}

#[test]
fn a_queue_that_is_spared_from_chaos_is_left_alone() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("CHAOS_PROTECTED_ROUTING_KEYS", format!("other,{HEARD}"));
    let _echo = test_bed.start();
    test_bed.assert_echoes("hello");
}

#[test]
fn too_many_failures_pause_the_component() {
    let test_bed = TestBed::on(Node::shared()).env("KILL_SWITCH_RATIO", 0.5).env("LOG_MOV_LEVEL", "ERROR");
    let echo = test_bed.start();
    for _ in 0..60 {
        test_bed.client.publish(HEARD, &Message::bare("{}"));
    }
    echo.wait_output("nothing is heard for", SOON);
    test_bed.say("hello");
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(SAID), 0, "it heard something during its pause");
    assert_eq!(test_bed.client.depth(HEARD), 11, "ten of sixty bad ones were not heard, and one good one");
}

#[test]
fn what_a_quorum_queue_is_about_to_throw_away_is_made_new_and_served() {
    let node = Node::shared();
    let test_bed = TestBed::at(node.quorum_vhost());
    node.policy(&test_bed.vhost, "limit", "received_message$", &json!({"delivery-limit": 20}));
    test_bed.say("hello");
    wait_until("twelve deliveries in vain", SOON, || test_bed.client.take_in_vain(HEARD) >= Some(12));
    let echo = test_bed.start();
    echo.wait_output("it is made a new message", SOON);
    assert_eq!(test_bed.echo().json(), json!({"content": "hello"}));
    test_bed.assert_echoes("what comes later");
}

/// A component that has more to say than fits into its output.
fn refused(test_bed: &TestBed) -> Process {
    let full = json!({"max-length": 10, "overflow": "reject-publish"});
    Node::shared().policy(&test_bed.vhost, "full", "publish_message$", &full);
    let echo = test_bed.start();
    test_bed.say_numbers(100);
    echo.wait_output("the broker refuses what is said", SOON);
    echo
}

/// Reads the output, so that there is room again, until each of the hundred came out.
fn read_all(test_bed: &TestBed) {
    let mut received = Vec::new();
    wait_until("all the messages", LONG, || {
        received.extend(test_bed.client.take(SAID, 10, Duration::from_millis(200)));
        count_numbers(&received).len() == 100
    });
    assert_all_came_out(&count_numbers(&received), 100);
}

#[test]
fn an_output_that_is_full_loses_nothing() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _echo = refused(&test_bed);
    read_all(&test_bed);
}

#[test]
fn an_output_that_stays_full_makes_the_component_unhealthy_and_its_session_new() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _mov = Mov::start(&test_bed.vhost);
    let echo = refused(&test_bed);
    echo.wait_healthy();
    echo.wait_output("the broker has taken no messages for 10s", SOON);
    echo.wait_unhealthy(SOON);
    echo.wait_output("the broker refuses all that is said; reconnecting", LONG);
    read_all(&test_bed);
    echo.wait_healthy();
}

#[test]
fn a_dead_letter_queue_of_another_kind_is_told_once_and_what_belongs_into_it_waits() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let mut arguments = testkit::FieldTable::new();
    arguments.insert("x-max-length".into(), testkit::AmqpValue::LongInt(5));
    test_bed.client.declare_with(DEAD, arguments);
    let echo = test_bed.start();
    for number in 0..3 {
        test_bed.client.publish(HEARD, &Message::bare("[]").message_id(format!("bad-{number}")));
    }
    let told = |entry: &serde_json::Value| entry["message"].as_str().is_some_and(|text| text.contains(DEAD));
    let entries: Vec<_> = (0..4).map(|_| test_bed.log_entry()).collect();
    assert_eq!(entries.iter().filter(|entry| told(entry)).count(), 1, "it was not told once: {entries:?}");
    for number in 0..50 {
        test_bed.assert_echoes(&number.to_string());
    }
    let held = || Node::shared().queue(&test_bed.vhost, HEARD).map(|queue| queue.messages_unacknowledged);
    echo.wait_until("all others to be acknowledged", SOON, || held() == Some(3));
    test_bed.client.delete(DEAD);
    echo.wait_until("the dead letters", SOON, || test_bed.client.look(DEAD).is_some_and(|it| it.messages == 3));
    echo.wait_until("them to be acknowledged", SOON, || held() == Some(0));
    assert_eq!(test_bed.client.depth(MOV_LOG), 0, "it was told again");
    assert!(!echo.output().contains("reconnecting"), "it cost the session: {}", echo.output());
}

#[test]
fn what_has_become_too_large_for_the_broker_waits_and_costs_neither_the_session_nor_others() {
    let node = Node::start();
    let test_bed = TestBed::on(&node).env("LOG_MOV_LEVEL", "ERROR");
    let large = json!({"content": "x".repeat(600_000)});
    test_bed.client.publish(HEARD, &Message::json(&large).header("kept", "as it was"));
    // What waits already is over the limit from now on, and so is its answer; a dead letter of it is, too.
    node.limit_message_size(400_000);
    let echo = test_bed.start();
    let entry = test_bed.log_entry();
    let told = entry["message"].as_str().unwrap_or_default();
    assert!(told.contains("600014 bytes") && told.contains("max_message_size"), "{entry}");
    test_bed.assert_echoes("small enough");
    node.limit_message_size(134_217_728);
    assert!(!echo.output().contains("reconnecting"), "it cost the session: {}", echo.output());
    // It knows the limit anew with a new session.
    node.close_connections_of(&test_bed.vhost);
    let stage_client = Client::connect(&test_bed.vhost);
    let echoed = stage_client.expect(SAID, 1, LONG).remove(0);
    assert!(echoed.json() == large, "another message came out");
}
