//! The MOV's log, and the pages of components that answer queries.

use serde_json::json;
use testkit::{Mov, Node, wait_until};

use super::test_bed::{LOG, SOON, TestBed, asyncapi};

#[test]
fn the_log_has_the_component_of_each_entry() {
    let test_bed = TestBed::start();
    let id = test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    test_bed
        .send(LOG, &json!({"level": "INFO", "message": "Received {a}", "payload": "{\"a\":1}", "component_id": id}));
    test_bed.send(LOG, &json!({"level": "DEBUG", "message": ""}));
    test_bed.send(LOG, &json!({"level": "ERROR", "message": 5, "component_id": "0123456789abcdef01234567"}));
    wait_until("the last log", SOON, || !test_bed.mov.logs_with("5").is_empty());
    let entry = test_bed.mov.logs_with("Received {a}").remove(0);
    assert_eq!((entry.level.as_str(), entry.payload.as_deref()), ("INFO", Some("{\"a\":1}")));
    assert_eq!(entry.component.expect("the component").name, "c1_echo");
    assert!(test_bed.mov.logs_with("5")[0].component.is_none());
    assert!(test_bed.mov.process().output().contains("INFO from c1_echo: Received {a} {\"a\":1}"));
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
        test_bed.send(LOG, &bad);
        test_bed.wait_refused(number + 1);
    }
    assert!(test_bed.mov.poisoned().is_empty());
}

#[test]
fn a_query_needs_a_limit_and_is_answered_with_a_page() {
    let test_bed = TestBed::start();
    let page = "valawai/component/page";
    for name in ["c1_b", "c1_a", "c0_other"] {
        test_bed.register(&name[..2].to_uppercase(), name, "channels: {}");
    }
    test_bed.send("valawai/component/query", &json!({"id": "lost", "limit": 5}));
    test_bed.mov.wait_until("the log of the query", SOON, |_| {
        test_bed.mov.logs_with("Found the page for the query lost.").pop()
    });
    test_bed.client.declare(page);
    test_bed.send("valawai/component/query", &json!({"id": "q", "pattern": "/^c1_/", "order": "-name", "limit": 1}));
    let answer = test_bed.client.receive(page, 1, SOON)[0].json();
    assert_eq!((&answer["query_id"], &answer["total"]), (&json!("q"), &json!(2)));
    assert_eq!(answer["components"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["components"][0]["name"], "c1_b");
    test_bed.send("valawai/component/query", &json!({"pattern": "c1_nobody", "limit": 1}));
    assert_eq!(test_bed.client.receive(page, 1, SOON)[0].text(), r#"{"total":0}"#);
    test_bed.send("valawai/component/query", &json!({"id": "q", "order": "+since"}));
    assert_eq!(test_bed.wait_refused(1), "`limit` must be an integer of at least 1");
    test_bed.send("valawai/component/query", &json!({"limit": 1, "order": "+zzz"}));
    test_bed.wait_refused(2);
}

#[test]
fn answering_queries_can_be_switched_off() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::builder(&vhost).env("ANSWER_QUERIES", false));
    let test_bed = TestBed::with_mov(vhost, mov);
    let page = "valawai/component/page";
    test_bed.client.declare(page);
    test_bed.send("valawai/component/query", &json!({"id": "q", "limit": 1}));
    test_bed.mov.wait_until("the query to be counted", SOON, |snapshot| snapshot.counts.component_queries == 1);
    // Notices use another connection. After two of them, in sequence, a page would have arrived.
    test_bed.client.declare("valawai/c1/echo/control/registered");
    test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    test_bed.register("C1", "c1_echo", &asyncapi("c1", "echo", "question", "answer"));
    test_bed.client.receive("valawai/c1/echo/control/registered", 2, SOON);
    assert_eq!(test_bed.client.depth(page), 0, "a page was sent");
    assert_eq!(test_bed.mov.get("/q/health").0, 200);
}
