//! Registration and unregistration.

use serde_json::{Value, json};

use super::test_bed::{LOG, REGISTER, SOON, TestBed, UNREGISTER, asyncapi, registration};
use testkit::mov::Counts;
use testkit::{Message, Mov, Node, ProcessBuilder, wait_until};

const NOTICE: &str = "valawai/c1/echo/control/registered";

#[test]
fn a_component_is_registered_notified_and_unregistered() {
    let test_bed = TestBed::start();
    test_bed.client.declare(NOTICE);
    let id = test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    let notice = test_bed.client.receive(NOTICE, 1, SOON).remove(0);
    assert_eq!(notice.content_type(), Some("application/json"));
    assert!(!notice.is_persistent() && notice.message_id().is_none());
    assert_notice(&notice.json(), &id);
    let (status, answer) = test_bed.mov.get(&format!("/v1/components/{id}"));
    assert_eq!(status, 200);
    assert!(
        answer.contains(r#""apiVersion":"2.1.0""#) && answer.contains(r#""type":"OBJECT","type":"OBJECT""#),
        "{answer}"
    );
    assert!(test_bed.mov.get("/v1/components").1.contains(&id));

    test_bed.send(UNREGISTER, &json!({"component_id": id.to_uppercase()}));
    test_bed.mov.wait_until("the registration to end", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(test_bed.mov.get(&format!("/v1/components/{id}")).0, 404);
    assert_eq!(test_bed.mov.get("/v1/components/unknown").0, 404);
    test_bed.send(UNREGISTER, &json!({"component_id": id}));
    assert_eq!(test_bed.wait_refused(1), "unknown or already finished");
    assert_eq!(test_bed.mov.logs_with(&format!("Cannot unregister the undefined component {id}."))[0].level, "ERROR");
    test_bed.mov.process().wait_output("REFUSED", SOON);
    assert!(test_bed.mov.process().output().contains(&format!("Registered component {id} c1_echo")));
    assert!(test_bed.mov.process().output().contains(&format!("Unregistered {id} c1_echo")));
}

#[test]
fn consumed_messages_are_counted() {
    let test_bed = TestBed::start();
    let id = test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    test_bed.send(REGISTER, &registration("C1", "no name", "channels: {}"));
    test_bed.unregister(&id);
    test_bed.send(UNREGISTER, &json!({"component_id": id}));
    test_bed.send("valawai/component/query", &json!({"id": "q", "limit": 1}));
    let expected = Counts { registers: 2, unregisters: 2, unknown_unregisters: 1, component_queries: 1 };
    test_bed.mov.wait_until("the counts", SOON, |snapshot| snapshot.counts == expected);
}

fn assert_notice(notice: &Value, id: &str) {
    assert_eq!(notice["id"], id);
    assert_eq!(notice["name"], "c1_echo");
    assert_eq!(notice["description"], "echo for tests");
    assert_eq!(notice["version"], "1.0.0");
    assert_eq!(notice["api_version"], "2.1.0");
    assert_eq!(notice["type"], "C1");
    assert!(notice["since"].as_u64().is_some_and(|since| since > 1_700_000_000));
    let out =
        notice["channels"].as_array().expect("channels").iter().find(|it| it["name"] == "valawai/c1/echo/data/out");
    let schema = json!({"type": "OBJECT", "properties": {"answer": {"type": "BASIC", "format": "STRING"}}});
    assert_eq!(out, Some(&json!({"name": "valawai/c1/echo/data/out", "publish": schema})));
}

#[test]
fn each_register_message_makes_a_registration() {
    let test_bed = TestBed::start();
    let text = asyncapi("c1", "echo", "question", "answer");
    let ids = [test_bed.register("C1", "c1_echo", &text), test_bed.register("C1", "c1_echo", &text)];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(test_bed.mov.live_of("c1_echo").len(), 2);
    // Without a queue for them the notices are lost, which has no consequences.
    assert!(test_bed.client.queue_info(NOTICE).is_none());
    assert!(test_bed.mov.poisoned().is_empty());
}

#[test]
fn an_invalid_registration_is_refused_without_a_notice() {
    let test_bed = TestBed::start();
    let good = registration("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    let cases: &[(&str, Value, &str)] = &[
        ("type", Value::Null, "`type` is missing"),
        ("type", json!("c1"), "`type` must be one of"),
        ("type", json!(3), "`type` must be one of"),
        ("name", json!("echo"), "`name` must be"),
        ("name", json!("c1_ec-ho"), "`name` must be"),
        ("name", json!("c3_echo"), "`name` must be"),
        ("name", json!(["c1_echo"]), "`name` must be a text"),
        ("version", json!("1.0"), "`version` must be"),
        ("version", json!("1.0.0-beta"), "`version` must be"),
        ("version", json!(1.0), "`version` must be"),
        ("asyncapi_yaml", json!(""), "`asyncapi_yaml` is empty"),
        ("asyncapi_yaml", Value::Null, "`asyncapi_yaml` is missing"),
        ("asyncapi_yaml", json!("channels: ["), "asyncapi: not YAML"),
    ];
    for (number, (field, value, reason)) in cases.iter().enumerate() {
        let mut payload = good.clone();
        payload[*field] = value.clone();
        test_bed.send(REGISTER, &payload);
        let refused = test_bed.wait_refused(number + 1);
        assert!(refused.starts_with(reason), "{field} = {value}: {refused:?} instead of {reason:?}");
    }
    let accepted = [("type", json!(1)), ("name", json!("c|_x")), ("extra", json!({"ignored": []}))];
    for (field, value) in accepted {
        let mut payload = good.clone();
        payload[field] = value;
        test_bed.send(REGISTER, &payload);
    }
    test_bed.mov.wait_until("the unusual but valid registrations", SOON, |snapshot| snapshot.live.len() == 3);
    assert!(test_bed.mov.poisoned().is_empty());
    assert_eq!(test_bed.client.depth(REGISTER), 0, "a refused message was not acknowledged");
}

#[test]
fn a_restarted_mov_has_no_registrations_and_sends_no_notices() {
    let mut test_bed = TestBed::start();
    let url = test_bed.mov.url().to_owned();
    let id = test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    test_bed.mov.stop();
    wait_until("the consumer to end", SOON, || test_bed.client.consumers(REGISTER) == 0);
    test_bed.send(LOG, &json!({"level": "INFO", "message": "published while the MOV was down"}));
    test_bed.mov.start_again();
    assert_eq!(test_bed.mov.url(), url);
    assert!(test_bed.mov.live().is_empty());
    assert_eq!(test_bed.mov.get(&format!("/v1/components/{id}")).0, 404);
    // There may be more logs: a killed MOV may not have acknowledged the registration.
    wait_until("the log of the time before the restart", SOON, || {
        !test_bed.mov.logs_with("published while the MOV was down").is_empty()
    });
    assert_eq!(test_bed.client.consumers(REGISTER), 1);
}

#[test]
fn registrations_during_the_start_are_notified_and_every_other_one_is_finished() {
    let vhost = Node::shared().vhost();
    let client = testkit::Client::connect(&vhost);
    client.declare(NOTICE);
    client.declare(REGISTER);
    let registration = registration("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    client.publish_many(REGISTER, 9, |_| Message::json(&registration));
    let slow: ProcessBuilder = Mov::builder(&vhost).env("START_UP_MS", 2000);
    let mov = Mov::start_with(slow);
    client.receive(NOTICE, 9, SOON);
    let finished: Vec<bool> = mov.registrations().iter().map(|it| it.finished).collect();
    assert_eq!(finished, [true, false, true, false, true, false, true, false, true]);
    assert_eq!(mov.live().len(), 4);
    // A registration after the MOV answers HTTP is kept.
    client.publish(REGISTER, &Message::json(&registration));
    mov.wait_until("the late registration", SOON, |snapshot| snapshot.live.len() == 5);
}

#[test]
fn a_queue_with_other_arguments_is_not_consumed() {
    let vhost = Node::shared().vhost();
    let client = testkit::Client::connect(&vhost);
    let limit = testkit::AmqpValue::LongInt(1000);
    client.declare_with(LOG, [("x-max-length".to_owned(), limit)].into_iter().collect());
    let mov = Mov::start(&vhost);
    assert!(mov.snapshot().unready[LOG].contains("406"), "{:?}", mov.snapshot().unready);
    assert_eq!(mov.get("/q/health").0, 503);
    assert_eq!(client.consumers(REGISTER), 1);
    client.publish(LOG, &Message::json(&json!({"level": "INFO", "message": "not consumed"})));
    assert_eq!(client.depth(LOG), 1);
}

#[test]
fn the_mov_ends_within_a_second_after_sigterm() {
    let test_bed = TestBed::start();
    let exit = test_bed.mov.process().stop(SOON);
    assert_eq!(exit.code(), Some(0));
    assert!(exit.after < std::time::Duration::from_secs(1), "it ended after {:?}", exit.after);
}
