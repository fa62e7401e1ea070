//! Producers from configuration, on the broker of the component.

use serde_json::{Value, json};
use testkit::{Message, Received};

use super::{queue_producer, test_bed};
use crate::operating::{run_json, wait_until_it_answers};
use crate::test_bed::{DEAD_LETTERS, INPUT, NAME, SOON, TestBed};

const ALL: [&str; 4] = ["received", "reply", "retry", "dead-letter"];

/// A producer to the exchange `events`.
fn exchange_producer(of: &[&str]) -> Value {
    json!([{"name": "events", "type": "producer", "exchange": {"name": "events"}, "binding_key": "echo", "of": of}])
}

/// The next stored messages, by their outcome.
fn stored(test_bed: &TestBed, count: usize) -> Vec<(Received, Value)> {
    let received = test_bed.client.receive("store", count, SOON);
    received.into_iter().map(|message| (message.json(), message)).map(|(json, message)| (message, json)).collect()
}

/// The counters of a route.
fn stats(test_bed: &TestBed, route: &str) -> Value {
    let stats = run_json(&test_bed.vhost, "stats").remove(0);
    let channels = stats["channels"].as_array().expect("channels").clone();
    channels.into_iter().find(|it| it["channel"] == format!("route/{route}")).unwrap_or_else(|| panic!("no {route}"))
}

#[test]
fn each_outcome_is_stored_in_an_envelope() {
    let test_bed = test_bed(&json!([queue_producer("store", &ALL)]))
        .env("MAX_RETRIES", 1)
        .env("RETRY_TTL", 50)
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1);
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    let message = Message::json(&json!({"content": "hello"})).message_id("m-1").correlation_id("q-1");
    test_bed.client.publish(INPUT, &message);
    let stored = stored(&test_bed, 4);
    let outcomes: Vec<_> = stored.iter().map(|(_, it)| (&it["meta"]["outcome"], &it["meta"]["attempts"])).collect();
    let expected = [("received", 0), ("retry", 1), ("received", 1), ("dead-letter", 2)];
    assert_eq!(
        outcomes,
        expected
            .map(|(outcome, attempts)| (json!(outcome), json!(attempts)))
            .iter()
            .map(|it| (&it.0, &it.1))
            .collect::<Vec<_>>()
    );
    for (message, envelope) in &stored {
        assert_eq!((&envelope["id"], &envelope["type"]), (&json!("m-1"), &json!("data/received_message")));
        assert_eq!((&envelope["version"], &envelope["meta"]["component"]), (&json!("1.0.0"), &json!(NAME)));
        assert_eq!(envelope["attributes"], json!({"content": "hello"}));
        assert_eq!(envelope["meta"]["correlation_id"], "q-1");
        let occurred_on = envelope["occurred_on"].as_str().unwrap_or_default();
        assert!(
            occurred_on.starts_with("20") && occurred_on.ends_with('Z') && occurred_on.len() == 24,
            "{occurred_on}"
        );
        assert!(message.is_persistent() && message.content_type() == Some("application/json"));
    }
    let reason = stored[3].1["meta"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("2 attempts failed"), "{reason}");
    let ids: Vec<_> = stored.iter().filter_map(|(message, _)| message.message_id()).collect();
    assert_eq!(ids, ["m-1/received/0", "m-1/retry/1", "m-1/received/1", "m-1/dead-letter/2"]);
}

#[test]
fn a_reply_is_stored_and_a_message_that_is_not_json_too() {
    let test_bed = test_bed(&json!([queue_producer("store", &ALL)]));
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "a", "more": 1})).message_id("m-1"));
    let reply = &stored(&test_bed, 2)[1].1;
    assert_eq!((&reply["meta"]["outcome"], &reply["type"]), (&json!("reply"), &json!("data/publish_message")));
    assert_eq!((&reply["attributes"], &reply["id"]), (&json!({"content": "a"}), &json!("m-1")));
    test_bed.client.publish(INPUT, &Message::bare(&b"\xff {not JSON"[..]));
    let refused = &stored(&test_bed, 2)[1].1;
    assert_eq!(refused["meta"]["outcome"], "dead-letter");
    assert_eq!(refused["attributes"], "\u{fffd} {not JSON");
    assert!(refused["id"].as_str().is_some_and(|id| !id.is_empty()), "{refused}");
}

#[test]
fn an_error_report_has_the_message_and_the_reason() {
    let test_bed = test_bed(&exchange_producer(&["dead-letter"])).env("DEAD_LETTER", 0);
    test_bed.client.declare_exchange("events", "topic");
    test_bed.client.bind("errors", "events", "echo");
    let component = test_bed.start();
    component.wait_output("route events is connected", SOON);
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": ""})).message_id("m-1"));
    let report = test_bed.client.receive("errors", 1, SOON).remove(0);
    assert_eq!(report.message_id(), Some("m-1/error"));
    let report = report.json();
    assert_eq!(report["data"], json!({"content": ""}));
    assert!(report["message"].as_str().is_some_and(|text| text.contains("empty")), "{report}");
    let details = &report["error_details"];
    assert_eq!((&details["id"], &details["type"]), (&json!("m-1"), &json!("data/received_message")));
    assert_eq!((&details["attempts"], &details["component"]), (&json!(1), &json!(NAME)));
}

#[test]
fn a_missing_exchange_is_reported_once_and_its_messages_are_dropped_until_it_appears() {
    let test_bed = test_bed(&exchange_producer(&["reply"]));
    let component = test_bed.start();
    component.wait_output("the exchange events of the route events does not exist", SOON);
    for number in 0..20 {
        test_bed.assert_echoes(&number.to_string());
    }
    wait_until_it_answers(&test_bed.vhost);
    component.wait_until("all messages to be dropped", SOON, || stats(&test_bed, "events")["discarded"] == json!(20));
    test_bed.client.declare_exchange("events", "topic");
    test_bed.client.bind("done", "events", "echo");
    component.wait_output("the exchange of the route events exists now; 20 messages were dropped", SOON);
    test_bed.assert_echoes("hello");
    assert_eq!(test_bed.client.receive("done", 1, SOON)[0].json(), json!({"content": "hello"}));
    let output = component.output();
    assert_eq!(output.matches("does not exist").count(), 1, "{output}");
    assert!(!output.contains("reconnecting"), "the session was lost: {output}");
}

#[test]
fn an_exchange_that_is_deleted_and_declared_again_costs_no_session_of_the_component() {
    let test_bed = test_bed(&exchange_producer(&["reply"]));
    test_bed.client.declare_exchange("events", "topic");
    let component = test_bed.start();
    component.wait_output("route events is connected", SOON);
    test_bed.client.delete_exchange("events");
    for number in 0..5 {
        test_bed.assert_echoes(&number.to_string());
    }
    component.wait_output("the exchange events of the route events does not exist", SOON);
    component.wait_until("all messages to be acknowledged", SOON, || {
        testkit::Node::shared().queue(&test_bed.vhost, INPUT).map(|queue| queue.messages_unacknowledged) == Some(0)
    });
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
}

#[test]
fn a_deleted_queue_of_a_producer_is_declared_again_and_nothing_is_lost() {
    let test_bed = test_bed(&json!([queue_producer("store", &["reply"])]));
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    test_bed.client.delete("store");
    for number in 0..5 {
        test_bed.assert_echoes(&number.to_string());
    }
    component
        .wait_until("the stored replies", SOON, || test_bed.client.queue_info("store")?.messages.ge(&5).then_some(()));
}

#[test]
fn nothing_is_acknowledged_before_a_producer_has_confirmed() {
    let test_bed = test_bed(&json!([queue_producer("store", &["received"])]));
    let node = testkit::Node::shared();
    node.set_policy(&test_bed.vhost, "full", "^store$", &json!({"max-length": 1, "overflow": "reject-publish"}));
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    for number in 0..3 {
        test_bed.assert_echoes(&number.to_string());
    }
    let unacknowledged = || node.queue(&test_bed.vhost, INPUT).map(|queue| queue.messages_unacknowledged);
    component.wait_until("two messages to wait for the store", SOON, || unacknowledged() == Some(2));
    component.wait_output("the broker rejects messages on route/store", SOON);
    let mut stored = 0;
    component.wait_until("all messages to be stored", SOON, || {
        stored += test_bed.client.drain("store").len();
        stored >= 3 && unacknowledged() == Some(0)
    });
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn a_producer_without_confirms_delays_nothing_and_drops_what_finds_no_space() {
    let mut producer = queue_producer("store", &["received"]);
    producer["confirm"] = json!(false);
    let test_bed = test_bed(&json!([producer])).with_quiet_logs();
    let node = testkit::Node::shared();
    node.set_policy(&test_bed.vhost, "full", "^store$", &json!({"max-length": 1, "overflow": "reject-publish"}));
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    test_bed.publish_numbered(3000);
    crate::test_bed::receive_all_numbers(&test_bed.client, 3000);
    component.wait_until("all messages to be acknowledged", SOON, || {
        node.queue(&test_bed.vhost, INPUT).map(|queue| queue.messages_unacknowledged) == Some(0)
    });
    let dropped = stats(&test_bed, "store")["discarded"].as_u64().unwrap_or_default();
    assert!((1500..3000).contains(&dropped), "{dropped} messages were dropped");
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn a_dead_letter_that_waits_for_its_queue_is_not_lost_with_a_store() {
    let test_bed = test_bed(&json!([queue_producer("store", &ALL)]));
    let mut arguments = testkit::FieldTable::new();
    arguments.insert("x-max-length".into(), testkit::AmqpValue::LongInt(5));
    test_bed.client.declare_with(DEAD_LETTERS, arguments);
    let component = test_bed.start();
    component.wait_output("route store is connected", SOON);
    test_bed.client.publish(INPUT, &Message::bare("[]").message_id("bad"));
    let _ = stored(&test_bed, 2);
    test_bed.assert_echoes("later");
    let unacknowledged = || testkit::Node::shared().queue(&test_bed.vhost, INPUT).map(|it| it.messages_unacknowledged);
    component.wait_until("only the refused message to wait", SOON, || unacknowledged() == Some(1));
    test_bed.client.delete(DEAD_LETTERS);
    test_bed.wait_dead_letters(1, &component);
    component.wait_until("it to be acknowledged", SOON, || unacknowledged() == Some(0));
}
