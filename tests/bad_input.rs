//! An invalid message causes one error, and the next message is processed.

use serde_json::json;
use testkit::{AmqpValue, FieldTable, Message, Node, Process};

use crate::test_bed::{INPUT, LONG, NAME, OUTPUT, REGISTERED, SOON, TestBed};

/// Publishes `message`, and asserts that it causes exactly one error and that the next message is processed.
#[track_caller]
fn assert_causes_one_error(test_bed: &TestBed, component: &Process, queue: &str, what: &str, message: &Message) {
    let before = error_count(component);
    test_bed.client.publish(queue, message);
    component.wait_until(&format!("the error for {what}"), SOON, || error_count(component) > before);
    test_bed.assert_echoes(what);
    assert_eq!(error_count(component), before + 1, "{what} caused more than one error: {}", component.output());
}

fn error_count(component: &Process) -> usize {
    component.output().matches("[ERROR]").count()
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn an_invalid_message_on_a_data_queue_causes_one_error() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    for (what, body) in [
        ("an empty body", Vec::new()),
        ("text that is not JSON", b"hello".to_vec()),
        ("a truncated object", br#"{"content": "hel"#.to_vec()),
        ("two objects", br#"{"content": "a"}{"content": "b"}"#.to_vec()),
        ("a NaN", br#"{"content": NaN}"#.to_vec()),
        ("null", b"null".to_vec()),
        ("an array", br#"["hello"]"#.to_vec()),
        ("a text", br#""hello""#.to_vec()),
        ("invalid UTF-8", b"{\"content\": \"\xff\xfe\"}".to_vec()),
        ("a line break and an escape", b"[ERR\nOR]\x1b[2J".to_vec()),
        ("arrays of 5,000 levels", nested(5_000).into_bytes()),
        ("a content of 5,000 levels", format!(r#"{{"content": {}}}"#, nested(5_000)).into_bytes()),
        ("objects of 5,000 levels", format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000)).into_bytes()),
    ] {
        assert_causes_one_error(&test_bed, &component, INPUT, what, &Message::bare(body));
    }
}

#[test]
fn an_invalid_message_on_the_control_queue_causes_one_error() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    component.wait_until("it to consume the control queue", SOON, || test_bed.client.consumers(REGISTERED) > 0);
    let notice = |id: &str, name: &str, level: &str| json!({ "id": id, "name": name, "type": level }).to_string();
    let id = "65a0b1c2d3e4f5061728394a";
    for (what, body) in [
        ("an empty body", Vec::new()),
        ("text that is not JSON", b"hello".to_vec()),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("invalid UTF-8", b"{\"id\": \"\xff\"}".to_vec()),
        ("arrays of 5,000 levels", nested(5_000).into_bytes()),
        ("a notice for another component", notice(id, "c1_other", "C1").into_bytes()),
        ("a notice for another level", notice(id, NAME, "C2").into_bytes()),
        ("a notice with an invalid id", notice("../../etc/passwd", NAME, "C1").into_bytes()),
        ("a notice of 2 MiB", notice(&"a".repeat(2 << 20), NAME, "C1").into_bytes()),
    ] {
        assert_causes_one_error(&test_bed, &component, REGISTERED, what, &Message::bare(body));
        assert!(!component.is_healthy(), "{what} made it healthy");
    }
}

#[test]
fn a_message_with_deeply_nested_headers_is_processed() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    let mut headers = FieldTable::new();
    // More levels than a thread's default stack allows to decode recursively.
    for _ in 0..6_500 {
        let mut outer = FieldTable::new();
        outer.insert("a".into(), AmqpValue::FieldTable(std::mem::take(&mut headers)));
        headers = outer;
    }
    let message = Message::bare(r#"{"content": "nested"}"#).header_value("nested", AmqpValue::FieldTable(headers));
    test_bed.client.publish(INPUT, &message);
    assert_eq!(test_bed.next_reply().json(), json!({ "content": "nested" }));
    test_bed.assert_echoes("after the nested headers");
    assert!(component.is_running());
}

#[test]
fn messages_of_sixteen_mebibytes_are_processed_in_bounded_memory() {
    const COUNT: u64 = 24;
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR");
    let large = format!(r#"{{"content":"{}"}}"#, "x".repeat((16 << 20) - 20));
    test_bed.client.publish_many(INPUT, COUNT, |number| Message::bare(large.clone()).message_id(number.to_string()));
    let component = test_bed.start();
    let mut peak = 0;
    component.wait_until("all replies", LONG, || {
        peak = peak.max(component.rss_kb());
        u64::from(test_bed.client.depth(OUTPUT)) >= COUNT
    });
    let total = (16 << 10) * COUNT;
    assert!(peak < total * 2 / 3, "it used {peak} kB for messages of {total} kB in total");
    assert!(!component.output().contains("reconnecting"), "the session was lost: {}", component.output());
    // By `get`, because what a consumer has prefetched is requeued after it ended, perhaps after the purge.
    let reply = test_bed.client.get(OUTPUT).expect("a reply");
    assert_eq!(reply.body.len(), large.len());
    test_bed.client.purge(OUTPUT);
    test_bed.assert_echoes("a small message");
}
