//! Registering and unregistering at the MOV simulator.

use serde_json::{Value, json};

use super::components::{LOG, REGISTER, SOON, Scene, UNREGISTER, asyncapi, registration};
use testkit::snapshot::Counts;
use testkit::{Launch, Message, Mov, Node, wait_until};

const NOTICE: &str = "valawai/c1/echo/control/registered";

#[test]
fn a_component_is_registered_told_so_and_unregistered() {
    let scene = Scene::set();
    scene.client.declare(NOTICE);
    let id = scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    let notice = scene.client.expect(NOTICE, 1, SOON).remove(0);
    assert_eq!(notice.content_type(), Some("application/json"));
    assert!(!notice.is_persistent() && notice.message_id().is_none());
    assert_notice(&notice.json(), &id);
    let (status, answer) = scene.mov.get(&format!("/v1/components/{id}"));
    assert_eq!(status, 200);
    assert!(
        answer.contains(r#""apiVersion":"2.1.0""#) && answer.contains(r#""type":"OBJECT","type":"OBJECT""#),
        "{answer}"
    );
    assert!(scene.mov.get("/v1/components").1.contains(&id));

    scene.send(UNREGISTER, &json!({"component_id": id.to_uppercase()}));
    scene.mov.wait_until("nobody to be live", SOON, |snapshot| snapshot.live.is_empty());
    assert_eq!(scene.mov.get(&format!("/v1/components/{id}")).0, 404);
    assert_eq!(scene.mov.get("/v1/components/unknown").0, 404);
    scene.send(UNREGISTER, &json!({"component_id": id}));
    assert_eq!(scene.wait_refused(1), "unknown or already finished");
    assert_eq!(scene.mov.logs_with(&format!("Cannot unregister the undefined component {id}."))[0].level, "ERROR");
    scene.mov.process().wait_output("REFUSED", SOON);
    assert!(scene.mov.process().output().contains(&format!("Registered component {id} c1_echo")));
    assert!(scene.mov.process().output().contains(&format!("Unregistered {id} c1_echo")));
}

#[test]
fn what_it_was_asked_is_counted() {
    let scene = Scene::set();
    let id = scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    scene.send(REGISTER, &registration("C1", "no name", "channels: {}"));
    scene.unregister(&id);
    scene.send(UNREGISTER, &json!({"component_id": id}));
    scene.send("valawai/component/query", &json!({"id": "q", "limit": 1}));
    let expected = Counts { registers: 2, unregisters: 2, unknown_unregisters: 1, component_queries: 1 };
    scene.mov.wait_until("the counts", SOON, |snapshot| snapshot.counts == expected);
}

#[test]
fn a_query_may_stay_without_an_answer() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::launch(&vhost).env("ANSWER_QUERIES", false));
    let scene = Scene::at(vhost, mov);
    let page = "valawai/component/page";
    scene.client.declare(page);
    scene.send("valawai/component/query", &json!({"id": "q", "limit": 1}));
    scene.mov.wait_until("the query to be counted", SOON, |snapshot| snapshot.counts.component_queries == 1);
    // Notices take another connection: two of them, one after the other, leave a page time enough.
    scene.client.declare(NOTICE);
    scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    scene.client.expect(NOTICE, 2, SOON);
    assert_eq!(scene.client.depth(page), 0, "a page was sent");
    assert_eq!(scene.mov.get("/q/health").0, 200);
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
    let schema = json!({"type": "OBJECT", "properties": {"said": {"type": "BASIC", "format": "STRING"}}});
    assert_eq!(out, Some(&json!({"name": "valawai/c1/echo/data/out", "publish": schema})));
}

#[test]
fn each_register_message_makes_one_more_registration() {
    let scene = Scene::set();
    let text = asyncapi("c1", "echo", "heard", "said");
    let ids = [scene.register("C1", "c1_echo", &text), scene.register("C1", "c1_echo", &text)];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(scene.mov.live_of("c1_echo").len(), 2);
    // No queue was declared for the notices: they are lost, and the MOV does not mind.
    assert!(scene.client.look(NOTICE).is_none());
    assert!(scene.mov.poisoned().is_empty());
}

#[test]
fn a_bad_registration_is_refused_in_silence() {
    let scene = Scene::set();
    let good = registration("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
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
        scene.send(REGISTER, &payload);
        let refused = scene.wait_refused(number + 1);
        assert!(refused.starts_with(reason), "{field} = {value}: {refused:?} instead of {reason:?}");
    }
    let accepted = [("type", json!(1)), ("name", json!("c|_x")), ("extra", json!({"ignored": []}))];
    for (field, value) in accepted {
        let mut payload = good.clone();
        payload[field] = value;
        scene.send(REGISTER, &payload);
    }
    scene.mov.wait_until("the odd ones to be registered", SOON, |snapshot| snapshot.live.len() == 3);
    assert!(scene.mov.poisoned().is_empty());
    assert_eq!(scene.client.depth(REGISTER), 0, "what is refused is dropped");
}

#[test]
fn a_restarted_mov_knows_nobody_and_tells_nobody() {
    let mut scene = Scene::set();
    let url = scene.mov.url().to_owned();
    let id = scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    scene.mov.stop();
    wait_until("nobody to consume", SOON, || scene.client.consumers(REGISTER) == 0);
    scene.send(LOG, &json!({"level": "INFO", "message": "said while nobody heard"}));
    scene.mov.start_again();
    assert_eq!(scene.mov.url(), url);
    assert!(scene.mov.live().is_empty());
    assert_eq!(scene.mov.get(&format!("/v1/components/{id}")).0, 404);
    // Perhaps among others: a killed MOV may not have acknowledged the registration yet.
    wait_until("the log that waited", SOON, || !scene.mov.logs_with("said while nobody heard").is_empty());
    assert_eq!(scene.client.consumers(REGISTER), 1);
}

#[test]
fn who_registers_while_the_mov_starts_is_told_and_perhaps_forgotten() {
    let vhost = Node::shared().vhost();
    let client = testkit::Client::connect(&vhost);
    client.declare(NOTICE);
    client.declare(REGISTER);
    let registration = registration("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    client.publish_many(REGISTER, 9, |_| Message::json(&registration));
    let slow: Launch = Mov::launch(&vhost).env("START_UP_MS", 2000);
    let mov = Mov::start_with(slow);
    client.expect(NOTICE, 9, SOON);
    // The first one, the third and so on.
    let finished: Vec<bool> = mov.registrations().iter().map(|it| it.finished).collect();
    assert_eq!(finished, [true, false, true, false, true, false, true, false, true]);
    assert_eq!(mov.live().len(), 4);
    // Whoever waits for its HTTP stays.
    client.publish(REGISTER, &Message::json(&registration));
    mov.wait_until("a late one", SOON, |snapshot| snapshot.live.len() == 5);
}

#[test]
fn logs_are_kept_with_their_component() {
    let scene = Scene::set();
    let id = scene.register("C1", "c1_echo", &asyncapi("c1", "echo", "heard", "said"));
    scene.send(LOG, &json!({"level": "INFO", "message": "Received {a}", "payload": "{\"a\":1}", "component_id": id}));
    scene.send(LOG, &json!({"level": "DEBUG", "message": ""}));
    scene.send(LOG, &json!({"level": "ERROR", "message": 5, "component_id": "0123456789abcdef01234567"}));
    wait_until("the last of the logs", SOON, || !scene.mov.logs_with("5").is_empty());
    let entry = scene.mov.logs_with("Received {a}").remove(0);
    assert_eq!((entry.level.as_str(), entry.payload.as_deref()), ("INFO", Some("{\"a\":1}")));
    assert_eq!(entry.component.expect("the component").name, "c1_echo");
    assert!(scene.mov.logs_with("5")[0].component.is_none());
    assert!(scene.mov.process().output().contains("INFO from c1_echo: Received {a} {\"a\":1}"));
    for (number, bad) in [
        json!({"level": "WARNING", "message": "x"}),
        json!({"level": "info", "message": "x"}),
        json!({"level": "INFO"}),
        json!({"level": "INFO", "message": "x", "payload": {"an": "object"}}),
        json!({"level": "INFO", "message": "x", "component_id": ""}),
    ]
    .into_iter()
    .enumerate()
    {
        scene.send(LOG, &bad);
        scene.wait_refused(number + 1);
    }
    assert!(scene.mov.poisoned().is_empty());
}

#[test]
fn a_page_answers_a_query_and_needs_a_limit() {
    let scene = Scene::set();
    let page = "valawai/component/page";
    for name in ["c1_b", "c1_a", "c0_other"] {
        scene.register(&name[..2].to_uppercase(), name, "channels: {}");
    }
    scene.send("valawai/component/query", &json!({"id": "lost", "limit": 5}));
    scene
        .mov
        .wait_until("the log of the query", SOON, |_| scene.mov.logs_with("Found the page for the query lost.").pop());
    scene.client.declare(page);
    scene.send("valawai/component/query", &json!({"id": "q", "pattern": "/^c1_/", "order": "-name", "limit": 1}));
    let answer = scene.client.expect(page, 1, SOON)[0].json();
    assert_eq!((&answer["query_id"], &answer["total"]), (&json!("q"), &json!(2)));
    assert_eq!(answer["components"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["components"][0]["name"], "c1_b");
    scene.send("valawai/component/query", &json!({"pattern": "c1_nobody", "limit": 1}));
    assert_eq!(scene.client.expect(page, 1, SOON)[0].text(), r#"{"total":0}"#);
    scene.send("valawai/component/query", &json!({"id": "q", "order": "+since"}));
    assert_eq!(scene.wait_refused(1), "`limit` must be an integer of at least 1");
    scene.send("valawai/component/query", &json!({"limit": 1, "order": "+zzz"}));
    scene.wait_refused(2);
}

#[test]
fn a_queue_that_was_declared_otherwise_is_never_consumed() {
    let vhost = Node::shared().vhost();
    let client = testkit::Client::connect(&vhost);
    let limit = testkit::AmqpValue::LongInt(1000);
    client.declare_with(LOG, [("x-max-length".to_owned(), limit)].into_iter().collect());
    let mov = Mov::start(&vhost);
    assert!(mov.snapshot().unready[LOG].contains("406"), "{:?}", mov.snapshot().unready);
    assert_eq!(mov.get("/q/health").0, 503);
    assert_eq!(client.consumers(REGISTER), 1);
    client.publish(LOG, &Message::json(&json!({"level": "INFO", "message": "unheard"})));
    assert_eq!(client.depth(LOG), 1);
}

#[test]
fn the_mov_ends_at_once_when_it_is_asked_to() {
    let scene = Scene::set();
    let exit = scene.mov.process().stop(SOON);
    assert_eq!(exit.code(), Some(0));
    assert!(exit.after < std::time::Duration::from_secs(1), "it took {:?}", exit.after);
}
