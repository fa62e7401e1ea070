//! `inspect`: what waits in a queue.

use serde_json::{Value, json};
use testkit::{AmqpValue, FieldTable, Message, Node, wait_until};

use super::{assert_no_control_characters, run_json, run_with_code};
use crate::test_bed::{DEAD_LETTERS, INPUT, SOON, TestBed};

#[test]
fn the_messages_of_a_queue_are_printed_in_order_and_stay_there() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.publish_numbered(15);
    for queue in [INPUT, "data/received_message", "received_message"] {
        let printed = run_json(&test_bed.vhost, &format!("inspect {queue} --count 12"));
        let ids: Vec<&str> = printed.iter().filter_map(|it| it["properties"]["message_id"].as_str()).collect();
        let expected: Vec<String> = (0..12).map(|number| number.to_string()).collect();
        assert_eq!(ids, expected, "the messages that were printed");
        assert_eq!(printed[3]["body"], json!({"content": "3"}));
        assert_eq!((&printed[0]["queue"], &printed[0]["key"]), (&json!(INPUT), &json!(INPUT)));
    }
    wait_until("all messages to be back", SOON, || test_bed.client.depth(INPUT) == 15);
    let ids: Vec<_> = test_bed.client.drain(INPUT).iter().map(|it| it.message_id().map(str::to_owned)).collect();
    assert_eq!(ids, (0..15).map(|number| Some(number.to_string())).collect::<Vec<_>>(), "the order has changed");
}

#[test]
fn a_queue_that_does_not_exist_is_not_created() {
    let test_bed = TestBed::on(Node::shared());
    let finished = run_with_code(&test_bed.vhost, "inspect dead_letter/data/received_message", 1);
    assert!(finished.stderr.contains(&format!("{DEAD_LETTERS} does not exist")), "{finished:?}");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "the queue was created");
}

#[test]
fn an_empty_queue_returns_at_once() {
    let test_bed = TestBed::on(Node::shared());
    let finished = run_with_code(&test_bed.vhost, "inspect data/received_message", 0);
    assert!(finished.stdout.is_empty() && finished.stderr.contains("is empty"), "{finished:?}");
}

#[test]
fn bodies_are_decoded_as_json_cbor_text_or_hexadecimal_digits() {
    let test_bed = TestBed::on(Node::shared());
    let cbor = b"\xa1\x67content\x65hello";
    // In all as large as RabbitMQ 4 accepts by default.
    let length = 16 * 1024 * 1024 - r#"{"content": ""}"#.len();
    let large = format!("{{\"content\": \"{}\"}}", "x".repeat(length));
    for body in [&b"{\"a\":\n 1.10}"[..], cbor, b"hello", b"\xff\x00", b"", large.as_bytes()] {
        test_bed.client.publish(INPUT, &Message::bare(body));
    }
    let printed = run_json(&test_bed.vhost, "inspect data/received_message");
    let formats: Vec<&str> = printed.iter().filter_map(|it| it["format"].as_str()).collect();
    assert_eq!(formats, ["json", "cbor", "text", "bytes", "text", "json"]);
    assert_eq!(
        (&printed[1]["body"], &printed[1]["hex"]),
        (&json!({"content": "hello"}), &json!("a167636f6e74656e746568656c6c6f"))
    );
    assert_eq!((&printed[2]["body"], &printed[3]["hex"]), (&json!("hello"), &json!("ff00")));
    assert_eq!(printed[5]["body"]["content"].as_str().map(str::len), Some(length));
    let people = run_with_code(&test_bed.vhost, "inspect data/received_message", 0).stdout;
    assert!(people.contains(r#"{"a":1.10}"#) && people.contains("ff00"), "{people}");
    assert!(people.len() < 10_000, "the large body was printed as a whole: {} bytes", people.len());
}

#[test]
fn a_condition_chooses_messages() {
    let test_bed = TestBed::on(Node::shared());
    for number in 0..20 {
        let message =
            Message::json(&json!({"items": [{"price": number % 5}]})).header("kind", (number % 2).to_string());
        test_bed.client.publish(INPUT, &message.message_id(number.to_string()));
    }
    let found = |conditions: &str| -> Vec<Value> {
        let printed = run_json(&test_bed.vhost, &format!("inspect received_message -n 100 {conditions}"));
        printed.into_iter().map(|it| it["properties"]["message_id"].clone()).collect()
    };
    assert_eq!(found("--where items.0.price=3"), ["3", "8", "13", "18"]);
    assert_eq!(found("--where items.0.price=3 --where header:kind=0"), ["8", "18"]);
    assert_eq!(found("--where property:message_id~=9"), ["9", "19"]);
}

#[test]
fn terminal_escapes_and_hostile_headers_are_never_written_raw() {
    let test_bed = TestBed::on(Node::shared());
    let escapes = "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{7f}\r\u{202e}";
    let mut nested = AmqpValue::Boolean(true);
    for _ in 0..5000 {
        nested = AmqpValue::FieldArray(vec![nested]);
    }
    let message = Message::json(&json!({"content": escapes}))
        .message_id(escapes)
        .header(escapes, escapes)
        .header_value("table", AmqpValue::FieldTable(FieldTable::from([(escapes.to_owned(), AmqpValue::Void)])));
    test_bed.client.publish(INPUT, &message);
    test_bed.client.publish(INPUT, &Message::bare(format!("text {escapes}")));
    test_bed.client.publish(INPUT, &Message::bare("{\"raw\": \"\u{7f}\u{9b}1m\", \"x\": 1}"));
    test_bed.client.publish(INPUT, &Message::bare("{}").header_value("deep", nested));
    for arguments in ["inspect received_message", "inspect received_message --json"] {
        let finished = run_with_code(&test_bed.vhost, arguments, 0);
        assert_no_control_characters(&finished.stdout);
        assert_no_control_characters(&finished.stderr);
        assert!(!finished.stdout.contains('\u{202e}') && finished.stdout.contains("nested too deeply"), "{finished:?}");
    }
    let printed = run_json(&test_bed.vhost, "inspect received_message");
    assert_eq!(printed[0]["body"]["content"], json!(escapes), "a JSON reader does not get the text back");
    let escaped_queue = run_with_code(&test_bed.vhost, "inspect no\u{1b}[2Jqueue", 1);
    assert_no_control_characters(&escaped_queue.stderr);
}

#[test]
fn the_messages_of_a_quorum_queue_stay_in_their_order() {
    let test_bed = TestBed::in_vhost(Node::shared().quorum_vhost());
    test_bed.publish_numbered(50);
    assert_eq!(run_json(&test_bed.vhost, "inspect received_message -n 30").len(), 30);
    wait_until("all messages to be back", SOON, || test_bed.client.depth(INPUT) == 50);
    let ids: Vec<_> = test_bed.client.drain(INPUT).iter().map(|it| it.message_id().map(str::to_owned)).collect();
    assert_eq!(ids, (0..50).map(|number| Some(number.to_string())).collect::<Vec<_>>(), "the order has changed");
}

#[test]
fn since_rabbitmq_4_3_a_quorum_queue_does_not_count_that_a_message_was_looked_at() {
    let node = Node::shared();
    let test_bed = TestBed::in_vhost(node.quorum_vhost());
    test_bed.publish_numbered(50);
    for _ in 0..3 {
        let printed = run_json(&test_bed.vhost, "inspect received_message -n 30");
        assert_eq!(printed[0]["properties"]["message_id"], "0", "another one comes first");
    }
    let message = test_bed.client.get(INPUT).expect("a message");
    let was_counted = message.header("x-delivery-count").is_some_and(|count| *count != AmqpValue::LongLongInt(0));
    assert_eq!(was_counted, node.version() < (4, 3), "the delivery limit would drop it at some time");
}
