//! The exact text of what the MOV sends and logs.

use serde_json::json;
use testkit::FieldTable;
use testkit::Signal;

use super::test_bed::{SOON, TestBed, UNREGISTER, asyncapi};
use testkit::mov::LogEntry;
use testkit::{Message, Mov, Node, wait_until};

const SOURCE_QUEUE: &str = "valawai/c0/source/data/out";
const TARGET_QUEUE: &str = "valawai/c1/target/data/in";

/// Connects a C0 to a C1.
fn connect(test_bed: &TestBed) -> (String, String) {
    test_bed.client.declare(TARGET_QUEUE);
    let source = test_bed.register("C0", "c0_source", &asyncapi("c0", "source", "unused_a", "word"));
    let target = test_bed.register("C1", "c1_target", &asyncapi("c1", "target", "word", "unused_b"));
    test_bed.wait_enabled(1);
    wait_until("the MOV to consume", SOON, || test_bed.client.consumers(SOURCE_QUEUE) == 1);
    (source, target)
}

fn publish(test_bed: &TestBed, body: &str) -> String {
    test_bed.client.publish(SOURCE_QUEUE, &Message::bare(body));
    test_bed.client.receive(TARGET_QUEUE, 1, SOON)[0].text()
}

fn log(test_bed: &TestBed, pattern: &str) -> LogEntry {
    wait_until(&format!("the log {pattern}"), SOON, || test_bed.mov.logs_with(pattern).pop())
}

#[test]
fn numbers_and_characters_are_written_as_java_writes_them() {
    let test_bed = TestBed::start();
    connect(&test_bed);
    let body = r#"{"word":"é€😀","n":[1.50,0.1e-3,12345678.5,1e22,-1e400,1e400,1e5,100000000000000000000]}"#;
    let expected = r#"{"word":"é€\uD83D\uDE00","n":[1.5,1.0E-4,1.23456785E7,1.0E22,"-Infinity","Infinity",100000.0,100000000000000000000]}"#;
    assert_eq!(publish(&test_bed, body), expected);
}

#[test]
fn each_forwarded_copy_is_logged_twice_with_the_message() {
    let test_bed = TestBed::start();
    connect(&test_bed);
    publish(&test_bed, r#"{"word":"a","list":[1,{"b":[]}],"empty":{}}"#);
    let id = test_bed.mov.connections()[0].id.clone();
    let logs: Vec<LogEntry> = test_bed.mov.logs().into_iter().filter(|it| it.level == "DEBUG").collect();
    assert_eq!(logs.len(), 2, "{logs:#?}");
    assert!(logs[1].message.starts_with("Notified to the target of the connection "), "{}", logs[1].message);
    let pretty = "{\n  \"word\" : \"a\",\n  \"list\" : [ 1, {\n    \"b\" : [ ]\n  } ],\n  \"empty\" : { }\n}";
    for entry in &logs {
        assert!(entry.message.contains(&id), "{}", entry.message);
        assert_eq!(entry.payload.as_deref(), Some(pretty));
    }
}

#[test]
fn changes_of_connections_are_logged_without_a_payload() {
    let test_bed = TestBed::start();
    let (source, _) = connect(&test_bed);
    test_bed.send(UNREGISTER, &json!({ "component_id": source }));
    let level = |pattern: &str| {
        let entry = log(&test_bed, pattern);
        assert_eq!(entry.payload, None, "{}", entry.message);
        entry.level
    };
    assert_eq!(level("/^Removed the connection/"), "DEBUG");
    assert_eq!(
        (level("/^Created the connection/"), level("/^Enabled the connection/")),
        ("INFO".into(), "INFO".into())
    );
    let payload = log(&test_bed, "/^Unregistered the component/").payload;
    assert_eq!(payload, Some(format!("{{\n  \"component_id\" : \"{source}\"\n}}")));
}

#[test]
fn a_page_ends_with_its_query_id_and_has_an_empty_header_table() {
    let test_bed = TestBed::start();
    for (queue, page) in
        [("valawai/component/query", "valawai/component/page"), ("valawai/topology/query", "valawai/topology/page")]
    {
        test_bed.client.declare(page);
        test_bed.send(queue, &json!({"id": "q", "limit": 1}));
        let answer = test_bed.client.receive(page, 1, SOON).remove(0);
        assert_eq!(answer.text(), r#"{"total":0,"query_id":"q"}"#);
        assert_eq!(answer.content_type(), Some("application/json"));
        assert!(answer.properties.headers().as_ref().is_some_and(FieldTable::is_empty), "{answer:?}");
    }
}

/// The order in which `count` messages are forwarded that were ready when the MOV continued.
fn forwarded_order(test_bed: &TestBed, count: u64) -> Vec<u64> {
    connect(test_bed);
    test_bed.mov.process().signal(Signal::SIGSTOP);
    test_bed.client.publish_many(SOURCE_QUEUE, count, |number| Message::json(&json!({"word": number.to_string()})));
    test_bed.mov.process().signal(Signal::SIGCONT);
    let received = test_bed.client.receive(TARGET_QUEUE, usize::try_from(count).expect("few"), SOON);
    received.iter().map(|it| it.json()["word"].as_str().expect("a word").parse().expect("a number")).collect()
}

#[test]
fn messages_are_reordered_but_not_lost() {
    let test_bed = TestBed::start();
    let mut order = forwarded_order(&test_bed, 100);
    assert!(!order.is_sorted(), "no message was reordered");
    order.sort_unstable();
    assert!(order.into_iter().eq(0..100), "a message was lost or duplicated");
}

#[test]
fn reordering_can_be_switched_off() {
    let vhost = Node::shared().vhost();
    let mov = Mov::start_with(Mov::builder(&vhost).env("SHUFFLE_SEED", 0));
    assert!(forwarded_order(&TestBed::with_mov(vhost, mov), 100).is_sorted());
}
