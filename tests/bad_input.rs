//! Whatever arrives costs one error, and the next message is served.

use serde_json::json;
use testkit::{AmqpValue, FieldTable};

use crate::test_bed::{HEARD, LONG, REGISTERED, SAID, SOON, TestBed};
use testkit::{Message, Node, Process};

/// Sends `message`, and asserts that it costs exactly one line of error and that the next message is served.
fn costs_one_error(test_bed: &TestBed, echo: &Process, queue: &str, what: &str, message: &Message) {
    let before = errors(echo);
    test_bed.client.publish(queue, message);
    echo.wait_until(&format!("the error for {what}"), SOON, || errors(echo) > before);
    test_bed.assert_echoes(what);
    assert_eq!(errors(echo), before + 1, "{what} cost more than one error: {}", echo.output());
}

fn errors(echo: &Process) -> usize {
    echo.output().matches("[ERROR]").count()
}

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn on_a_data_queue() {
    let test_bed = TestBed::on(Node::shared());
    let echo = test_bed.start();
    for (what, body) in [
        ("an empty body", Vec::new()),
        ("no JSON", b"hello".to_vec()),
        ("half an object", br#"{"content": "hel"#.to_vec()),
        ("two objects", br#"{"content": "a"}{"content": "b"}"#.to_vec()),
        ("a NaN", br#"{"content": NaN}"#.to_vec()),
        ("null", b"null".to_vec()),
        ("an array", br#"["hello"]"#.to_vec()),
        ("a text", br#""hello""#.to_vec()),
        ("what is not UTF-8", b"{\"content\": \"\xff\xfe\"}".to_vec()),
        ("a line break and an escape", b"[ERR\nOR]\x1b[2J".to_vec()),
        ("5,000 levels", nested(5_000).into_bytes()),
        ("5,000 levels for a content", format!(r#"{{"content": {}}}"#, nested(5_000)).into_bytes()),
        ("5,000 levels of objects", format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000)).into_bytes()),
    ] {
        costs_one_error(&test_bed, &echo, HEARD, what, &Message::bare(body));
    }
}

#[test]
fn on_the_control_queue() {
    let test_bed = TestBed::on(Node::shared());
    let echo = test_bed.start();
    echo.wait_until("it to hear the control queue", SOON, || test_bed.client.consumers(REGISTERED) > 0);
    let notice = |id: &str, name: &str, level: &str| json!({ "id": id, "name": name, "type": level }).to_string();
    let id = "65a0b1c2d3e4f5061728394a";
    for (what, body) in [
        ("an empty body", Vec::new()),
        ("no JSON", b"hello".to_vec()),
        ("an array", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("what is not UTF-8", b"{\"id\": \"\xff\"}".to_vec()),
        ("5,000 levels", nested(5_000).into_bytes()),
        ("a notice for another", notice(id, "c1_other", "C1").into_bytes()),
        ("a notice for another level", notice(id, crate::test_bed::NAME, "C2").into_bytes()),
        ("a notice with a bad identifier", notice("../../etc/passwd", crate::test_bed::NAME, "C1").into_bytes()),
        ("a notice of 2 MiB", notice(&"a".repeat(2 << 20), crate::test_bed::NAME, "C1").into_bytes()),
    ] {
        costs_one_error(&test_bed, &echo, REGISTERED, what, &Message::bare(body));
        assert!(!echo.is_healthy(), "{what} made it look healthy");
    }
}

#[test]
fn deeply_nested_headers() {
    let test_bed = TestBed::on(Node::shared());
    let echo = test_bed.start();
    let mut headers = FieldTable::new();
    // A few more than end a thread with an ordinary stack.
    for _ in 0..6_500 {
        let mut outer = FieldTable::new();
        outer.insert("a".into(), AmqpValue::FieldTable(std::mem::take(&mut headers)));
        headers = outer;
    }
    let message = Message::bare(r#"{"content": "deep"}"#).header_value("nested", AmqpValue::FieldTable(headers));
    test_bed.client.publish(HEARD, &message);
    assert_eq!(test_bed.echo().json(), json!({ "content": "deep" }));
    test_bed.assert_echoes("after the deep one");
    assert!(echo.is_running());
    // Dropping it, too, goes down as many calls as there are levels; the test's threads have the stack for it.
    drop(message);
}

#[test]
fn sixteen_mebibytes_at_a_time_with_bounded_memory() {
    const COUNT: u64 = 24;
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR");
    let large = format!(r#"{{"content":"{}"}}"#, "x".repeat((16 << 20) - 20));
    test_bed.client.publish_many(HEARD, COUNT, |number| Message::bare(large.clone()).message_id(number.to_string()));
    let echo = test_bed.start();
    let mut highest = 0;
    echo.wait_until("all of them to come out", LONG, || {
        highest = highest.max(echo.rss_kb());
        u64::from(test_bed.client.depth(SAID)) >= COUNT
    });
    let all_at_once = (16 << 10) * COUNT;
    assert!(highest < all_at_once * 2 / 3, "it held {highest} kB; all the messages are {all_at_once} kB");
    // Got, not consumed: what a consumer has prefetched goes back some time after it left, and would outlive the purge.
    assert!(!echo.output().contains("reconnecting"), "it lost its connection: {}", echo.output());
    let echoed = test_bed.client.get(SAID).expect("an echo");
    assert_eq!(echoed.body.len(), large.len());
    test_bed.client.purge(SAID);
    test_bed.assert_echoes("a small one");
}
