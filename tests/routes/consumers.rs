//! Consumers from configuration, on the broker of the component.

use serde_json::{Value, json};
use testkit::{AmqpValue, FieldTable, Message, Node};

use super::{EXCHANGE, QUEUE, ROUTE_DEAD_LETTERS, ROUTE_RETRIES, sample_on, test_bed, with_routes};
use crate::operating::{run_json, run_with_code, wait_until_it_answers};
use crate::test_bed::{INPUT, OUTPUT, SOON, TestBed, numbered_message};

/// A consumer that feeds the echo from an exchange.
fn consumer(exchange: &Value) -> Value {
    json!([{"name": "requests", "type": "consumer", "exchange": exchange, "queue": QUEUE, "binding_key": "requested.#"}])
}

fn content(text: &str) -> Message {
    Message::json(&json!({"content": text})).message_id(text)
}

#[test]
fn the_sample_of_the_documentation_works_as_it_is() {
    let vhost = Node::shared().vhost();
    let sample = sample_on(&vhost);
    let test_bed = with_routes(TestBed::in_vhost(vhost), &sample);
    test_bed.client.declare_exchange("events", "topic");
    test_bed.client.bind("done", "events", "echo.done");
    test_bed.client.bind("failed", "events", "echo.failed");
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.publish_to(EXCHANGE, "requested.by.somebody", &content("m-1"));
    let reply = test_bed.next_reply();
    assert_eq!((reply.json(), reply.message_id()), (json!({"content": "m-1"}), Some("m-1")));
    let done = test_bed.client.receive("done", 1, SOON).remove(0);
    assert_eq!((done.json(), done.message_id()), (json!({"content": "m-1"}), Some("m-1")));
    let stored = test_bed.client.receive("store", 2, SOON);
    assert_eq!(stored[0].json()["meta"]["outcome"], "received");
    assert_eq!(stored[1].json()["meta"]["outcome"], "reply");
    test_bed.client.publish_to(EXCHANGE, "requested", &Message::bare("[]").message_id("m-2"));
    let failed = test_bed.client.receive("failed", 1, SOON).remove(0).json();
    assert_eq!(failed["data"], json!([]));
    component.wait_until("a dead letter", SOON, || {
        test_bed.client.queue_info(ROUTE_DEAD_LETTERS)?.messages.eq(&1).then_some(())
    });
    assert_eq!(test_bed.client.get(ROUTE_DEAD_LETTERS).expect("a dead letter").message_id(), Some("m-2"));
    test_bed.assert_echoes("the channel");
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(QUEUE), 0, "a message was not acknowledged");
}

#[test]
fn without_create_a_missing_exchange_is_reported_once_and_found_when_it_appears() {
    let test_bed = test_bed(&consumer(&json!({"name": EXCHANGE, "type": "topic"}))).env("LOG_CONSOLE_LEVEL", "DEBUG");
    let component = test_bed.start();
    let output = component.wait_output("no exchange 'managed'", SOON);
    assert!(output.contains(r#"set `"create": true`"#), "no remedy in {output}");
    test_bed.assert_echoes("meanwhile the channel works");
    let reports = |level: &str| {
        let is_report = |line: &&str| line.contains(level) && line.contains("no exchange 'managed'");
        component.output().lines().filter(is_report).count()
    };
    component.wait_until("two further attempts", SOON, || reports("DEBUG") >= 2);
    test_bed.client.declare_exchange(EXCHANGE, "topic");
    component.wait_output("route requests works again", SOON);
    test_bed.client.publish_to(EXCHANGE, "requested.x", &content("m-1"));
    assert_eq!(test_bed.next_reply().json(), json!({"content": "m-1"}));
    assert_eq!(reports("WARN"), 1, "it was reported more than once: {}", component.output());
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
}

#[test]
fn failed_messages_of_a_route_are_retried_in_queues_of_their_own_and_become_its_dead_letters() {
    let test_bed = test_bed(&consumer(&json!({"name": EXCHANGE, "type": "topic", "create": true})))
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("CHAOS_PROTECTED_ROUTING_KEYS", INPUT)
        .env("MAX_RETRIES", 2)
        .env("RETRY_TTL", 50);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.publish_to(EXCHANGE, "requested", &content("m-1"));
    component.wait_until("a dead letter", SOON, || {
        test_bed.client.queue_info(ROUTE_DEAD_LETTERS)?.messages.eq(&1).then_some(())
    });
    let dead = test_bed.client.get(ROUTE_DEAD_LETTERS).expect("a dead letter");
    assert_eq!((dead.text_header("x-attempts"), dead.message_id()), (Some("3"), Some("m-1")));
    assert_eq!(dead.text_header("x-original-queue"), Some(QUEUE));
    for delay in [50, 100] {
        let queue = format!("{ROUTE_RETRIES}/{delay}");
        assert!(test_bed.client.queue_info(&queue).is_some(), "there was no retry after {delay} ms");
    }
    test_bed.assert_echoes("the channel has no faults");
}

#[test]
fn a_queue_that_exists_with_other_arguments_is_consumed_as_it_is() {
    let test_bed = test_bed(&json!([{"name": "requests", "type": "consumer", "queue": QUEUE}]));
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length".into(), AmqpValue::LongInt(1000));
    test_bed.client.declare_with(QUEUE, arguments);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.publish(QUEUE, &content("m-1"));
    assert_eq!(test_bed.next_reply().message_id(), Some("m-1"));
}

#[test]
fn an_exchange_of_another_type_is_reported_and_the_component_works_on() {
    let test_bed = test_bed(&consumer(&json!({"name": EXCHANGE, "type": "topic", "create": true})));
    test_bed.client.declare_exchange(EXCHANGE, "fanout");
    let component = test_bed.start();
    let output = component.wait_output("inequivalent arg 'type' for exchange 'managed'", SOON);
    assert!(output.contains("configure it as it is, or delete it"), "no remedy in {output}");
    test_bed.assert_echoes("the channel works");
    test_bed.client.delete_exchange(EXCHANGE);
    component.wait_output("route requests works again", SOON);
}

#[test]
fn operators_see_and_pause_a_route_by_its_name() {
    let test_bed = test_bed(&consumer(&json!({"name": EXCHANGE, "type": "topic", "create": true})));
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    wait_until_it_answers(&test_bed.vhost);
    test_bed.client.publish(QUEUE, &content("m-1"));
    let _ = test_bed.next_reply();
    run_with_code(&test_bed.vhost, "control pause requests", 0);
    component.wait_until("the route to be paused", SOON, || test_bed.client.consumers(QUEUE) == 0);
    test_bed.client.publish(QUEUE, &content("m-2"));
    test_bed.assert_echoes("the channel is not paused");
    let stats = run_json(&test_bed.vhost, "stats").remove(0);
    let channels = stats["channels"].as_array().expect("channels");
    let route = channels.iter().find(|it| it["channel"] == "route/requests").expect("the route");
    assert_eq!((&route["received"], &route["replied"], &route["paused"]), (&json!(1), &json!(1), &json!(true)));
    run_with_code(&test_bed.vhost, "control resume requests", 0);
    assert_eq!(test_bed.next_reply().message_id(), Some("m-2"));
}

#[test]
fn a_deleted_queue_of_a_route_is_declared_again() {
    let test_bed = test_bed(&consumer(&json!({"name": EXCHANGE, "type": "topic", "create": true})));
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.delete(QUEUE);
    component.wait_output("route requests works again", SOON);
    test_bed.client.publish_to(EXCHANGE, "requested", &content("m-1"));
    assert_eq!(test_bed.next_reply().message_id(), Some("m-1"));
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
}

#[test]
fn messages_of_a_route_survive_a_kill_of_the_component() {
    let test_bed = test_bed(&json!([{"name": "requests", "type": "consumer", "queue": QUEUE}])).with_quiet_logs();
    test_bed.client.declare(QUEUE);
    test_bed.client.publish_many(QUEUE, 2000, numbered_message);
    let component = test_bed.start();
    component.wait_until("the first replies", SOON, || test_bed.client.depth(OUTPUT) > 100);
    component.kill();
    let _again = test_bed.start();
    crate::test_bed::receive_all_numbers(&test_bed.client, 2000);
}

#[test]
fn operators_replay_the_dead_letters_of_a_route() {
    let test_bed = test_bed(&json!([{"name": "requests", "type": "consumer", "queue": QUEUE}]));
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    test_bed.client.publish(QUEUE, &Message::json(&json!({"content": ""})).message_id("m-1"));
    let dead_letters = || test_bed.client.queue_info(ROUTE_DEAD_LETTERS).map(|info| info.messages);
    component.wait_until("a dead letter", SOON, || dead_letters() == Some(1));
    let shown = run_json(&test_bed.vhost, "dead-letters show route/requests");
    assert_eq!((shown.len(), &shown[0]["body"]), (1, &json!({"content": ""})), "{shown:?}");
    run_with_code(&test_bed.vhost, "dead-letters replay route/requests --to requests_for_echo --yes", 0);
    component.wait_until("it to be refused again", SOON, || component.output().matches("Cannot process").count() == 2);
    component.wait_until("the dead letter to be back", SOON, || dead_letters() == Some(1));
}
