//! Messages that fail: tried again later, buried with what is known of them, or made to fail on purpose.

use std::time::Duration;

use serde_json::json;

use crate::stage::{HEARD, LONG, MOV_LOG, SAID, SOON, Stage, assert_all_came_out, count_numbers};
use crate::support::{Client, Message, Mov, Node, Process, wait_until};

const DEAD: &str = "valawai/c1/echo_example_with_rust_and_amiquip/dead_letter/data/received_message";
const RETRY: &str = "valawai/c1/echo_example_with_rust_and_amiquip/retry/data/received_message";

#[test]
fn what_is_refused_is_buried_with_all_that_is_known_of_it() {
    let stage = Stage::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _echo = stage.start();
    for body in [&b"\xff\x00 not JSON"[..], br#"{"content": ""}"#, b"[1]"] {
        let message = Message::bare(body)
            .message_id("m-1")
            .correlation_id("q-1")
            .content_type("text/plain")
            .header("kept", "as it was")
            .expiration(600_000);
        stage.client.publish(HEARD, &message);
        crate::support::wait_until("the dead letter", SOON, || {
            stage.client.look(DEAD).is_some_and(|it| it.messages > 0)
        });
        let dead = stage.client.get(DEAD).expect("a dead letter");
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
        assert_eq!(stage.log_entry()["level"], "ERROR");
    }
    stage.assert_echoes("still here");
    assert_eq!(stage.client.depth(MOV_LOG), 0, "a dead letter cost more than one error");
}

#[test]
fn without_dead_letters_it_is_reported_and_done_with() {
    let stage = Stage::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR").env("DEAD_LETTER", 0);
    let echo = stage.start();
    stage.client.publish(HEARD, &Message::bare("{}"));
    assert_eq!(stage.log_entry()["level"], "ERROR");
    stage.assert_echoes("still here");
    assert_eq!(stage.client.look(DEAD), None, "a queue was declared that nobody needs");
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(stage.client.depth(HEARD), 0);
}

#[test]
fn what_fails_is_tried_again_until_it_works() {
    let stage = Stage::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.3)
        .env("CHAOS_PERCENTAGE_SIMULATE_NACK", 0.05)
        .env("CHAOS_SEED", 7)
        .env("MAX_RETRIES", 30)
        .env("RETRY_TTL", 100)
        .env("RETRY_BACKOFF", 1.5)
        .env("RETRY_MAX_TTL", 500)
        .env("LOG_MOV_LEVEL", "ERROR");
    let echo = stage.start();
    echo.wait_output("CHAOS", SOON);
    stage.say_numbers(300);
    let counts = count_numbers(&stage.client.expect(SAID, 300, SOON));
    assert_eq!(assert_all_came_out(&counts, 300), 0, "a message that was tried again was answered twice");
    assert!(stage.client.look(&format!("{RETRY}/100")).is_some(), "nothing failed");
    assert_eq!(stage.client.look(DEAD), None, "something was given up");
}

#[test]
fn what_never_works_is_buried_after_the_tries_that_are_allowed() {
    let stage = Stage::on(Node::shared())
        .env("EVENT_CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50)
        .env("RETRY_BACKOFF", 2)
        .env("LOG_MOV_LEVEL", "ERROR");
    let _echo = stage.start();
    stage.client.publish(HEARD, &Message::json(&json!({"content": "hello"})).message_id("m-1"));
    crate::support::wait_until("the dead letter", SOON, || stage.client.look(DEAD).is_some_and(|it| it.messages > 0));
    let dead = stage.client.get(DEAD).expect("a dead letter");
    assert_eq!((dead.text_header("x-attempts"), dead.message_id()), (Some("3"), Some("m-1")));
    assert_eq!(dead.json(), json!({"content": "hello"}));
    for delay in [50, 100] {
        assert!(stage.client.look(&format!("{RETRY}/{delay}")).is_some(), "it did not wait for {delay} ms");
    }
    assert!(stage.log_entry()["message"].as_str().is_some_and(|text| text.contains("3 times in vain")));
}

#[test]
fn a_queue_that_is_spared_from_chaos_is_left_alone() {
    let stage = Stage::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("CHAOS_PROTECTED_ROUTING_KEYS", format!("other,{HEARD}"));
    let _echo = stage.start();
    stage.assert_echoes("hello");
}

#[test]
fn too_many_failures_pause_the_component() {
    let stage = Stage::on(Node::shared()).env("KILL_SWITCH_RATIO", 0.5).env("LOG_MOV_LEVEL", "ERROR");
    let echo = stage.start();
    for _ in 0..60 {
        stage.client.publish(HEARD, &Message::bare("{}"));
    }
    echo.wait_output("nothing is heard for", SOON);
    stage.say("hello");
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(stage.client.depth(SAID), 0, "it heard something during its pause");
    assert_eq!(stage.client.depth(HEARD), 11, "ten of sixty bad ones were not heard, and one good one");
}

#[test]
fn what_a_quorum_queue_is_about_to_throw_away_is_made_new_and_served() {
    let node = Node::shared();
    let stage = Stage::at(node.quorum_vhost());
    node.policy(&stage.vhost, "limit", "received_message$", &json!({"delivery-limit": 20}));
    stage.say("hello");
    wait_until("twelve deliveries in vain", SOON, || stage.client.take_in_vain(HEARD) >= Some(12));
    let echo = stage.start();
    echo.wait_output("it is made a new message", SOON);
    assert_eq!(stage.echo().json(), json!({"content": "hello"}));
    stage.assert_echoes("what comes later");
}

/// A component that has more to say than fits into its output.
fn refused(stage: &Stage) -> Process {
    let full = json!({"max-length": 10, "overflow": "reject-publish"});
    Node::shared().policy(&stage.vhost, "full", "publish_message$", &full);
    let echo = stage.start();
    stage.say_numbers(100);
    echo.wait_output("the broker refuses what is said", SOON);
    echo
}

/// Reads the output, so that there is room again, until each of the hundred came out.
fn read_all(stage: &Stage) {
    let mut received = Vec::new();
    wait_until("all the messages", LONG, || {
        received.extend(stage.client.take(SAID, 10, Duration::from_millis(200)));
        count_numbers(&received).len() == 100
    });
    assert_all_came_out(&count_numbers(&received), 100);
}

#[test]
fn an_output_that_is_full_loses_nothing() {
    let stage = Stage::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _echo = refused(&stage);
    read_all(&stage);
}

#[test]
fn an_output_that_stays_full_makes_the_component_unhealthy_and_its_session_new() {
    let stage = Stage::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _mov = Mov::start(&stage.vhost);
    let echo = refused(&stage);
    echo.wait_healthy();
    echo.wait_output("the broker has taken no messages for 10s", SOON);
    echo.wait_unhealthy(SOON);
    echo.wait_output("the broker refuses all that is said; reconnecting", LONG);
    read_all(&stage);
    echo.wait_healthy();
}

#[test]
fn a_dead_letter_queue_of_another_kind_is_told_once_and_what_belongs_into_it_waits() {
    let stage = Stage::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let mut arguments = amiquip::FieldTable::new();
    arguments.insert("x-max-length".into(), amiquip::AmqpValue::LongInt(5));
    stage.client.declare_with(DEAD, arguments);
    let echo = stage.start();
    for number in 0..3 {
        stage.client.publish(HEARD, &Message::bare("[]").message_id(format!("bad-{number}")));
    }
    let told = |entry: &serde_json::Value| entry["message"].as_str().is_some_and(|text| text.contains(DEAD));
    let entries: Vec<_> = (0..4).map(|_| stage.log_entry()).collect();
    assert_eq!(entries.iter().filter(|entry| told(entry)).count(), 1, "it was not told once: {entries:?}");
    for number in 0..50 {
        stage.assert_echoes(&number.to_string());
    }
    let held = || Node::shared().queue(&stage.vhost, HEARD).map(|queue| queue.messages_unacknowledged);
    echo.wait_until("all others to be acknowledged", SOON, || held() == Some(3));
    stage.client.delete(DEAD);
    echo.wait_until("the dead letters", SOON, || stage.client.look(DEAD).is_some_and(|it| it.messages == 3));
    echo.wait_until("them to be acknowledged", SOON, || held() == Some(0));
    assert_eq!(stage.client.depth(MOV_LOG), 0, "it was told again");
    assert!(!echo.output().contains("reconnecting"), "it cost the session: {}", echo.output());
}

#[test]
fn what_has_become_too_large_for_the_broker_waits_and_costs_neither_the_session_nor_others() {
    let node = Node::start();
    let stage = Stage::on(&node).env("LOG_MOV_LEVEL", "ERROR");
    let large = json!({"content": "x".repeat(600_000)});
    stage.client.publish(HEARD, &Message::json(&large).header("kept", "as it was"));
    // What waits already is over the limit from now on, and so is its answer; a dead letter of it is, too.
    node.limit_message_size(400_000);
    let echo = stage.start();
    let entry = stage.log_entry();
    let told = entry["message"].as_str().unwrap_or_default();
    assert!(told.contains("600014 bytes") && told.contains("max_message_size"), "{entry}");
    stage.assert_echoes("small enough");
    node.limit_message_size(134_217_728);
    assert!(!echo.output().contains("reconnecting"), "it cost the session: {}", echo.output());
    // It knows the limit anew with a new session.
    node.close_connections_of(&stage.vhost);
    let stage_client = Client::connect(&stage.vhost);
    let echoed = stage_client.expect(SAID, 1, LONG).remove(0);
    assert!(echoed.json() == large, "another message came out");
}
