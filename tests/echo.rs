//! The component end to end: what comes in, what comes out, and what the logs say of it.

use serde_json::json;

use crate::test_bed::{HEARD, LONG, MOV_LOG, SAID, SOON, TestBed, numbered};
use testkit::{Message, Node};

#[test]
fn the_content_comes_back_and_nothing_else_of_the_body() {
    let test_bed = TestBed::on(Node::shared());
    let _echo = test_bed.start();
    let heard = Message::json(&json!({ "content": "héllo \"world\" \u{1f600}\n", "mood": {"is": "fine"} }))
        .message_id("m-1")
        .correlation_id("q-1")
        .header("conversation_id", "c-1")
        .header("other", "stays behind");
    test_bed.client.publish(HEARD, &heard);
    let said = test_bed.echo();
    assert_eq!(said.json(), json!({ "content": "héllo \"world\" \u{1f600}\n" }));
    assert_eq!(said.content_type(), Some("application/json"));
    assert!(said.is_persistent(), "the echo would not survive a restart of the broker");
    assert_eq!(said.message_id(), Some("m-1"));
    assert_eq!(said.correlation_id(), Some("q-1"));
    assert_eq!(said.text_header("conversation_id"), Some("c-1"));
    assert_eq!(said.text_header("other"), None);
}

#[test]
fn a_message_as_the_mov_forwards_it_gets_an_identifier() {
    let test_bed = TestBed::on(Node::shared());
    let _echo = test_bed.start();
    let bare = || Message::bare(r#"{"content": "hello"}"#).content_type("application/json");
    test_bed.client.publish(HEARD, &bare());
    test_bed.client.publish(HEARD, &bare());
    let said = test_bed.client.expect(SAID, 2, SOON);
    assert_eq!(said[0].text(), r#"{"content":"hello"}"#);
    assert!(said[0].message_id().is_some() && said[0].message_id() != said[1].message_id());
}

#[test]
fn the_mov_reads_what_came_and_what_went() {
    let test_bed = TestBed::on(Node::shared());
    let _echo = test_bed.start();
    test_bed.client.publish(HEARD, &Message::bare(r#"{ "content": "hello", "mood": "fine" }"#));
    let came = test_bed.client.expect(MOV_LOG, 1, SOON).remove(0);
    assert_eq!(came.content_type(), Some("application/json"), "anything else stops the MOV's log for everybody");
    assert_eq!(
        came.json(),
        json!({
            "level": "INFO",
            "message": "Received a message to echo",
            "payload": "{ \"content\": \"hello\", \"mood\": \"fine\" }",
        })
    );
    let went = json!({ "level": "INFO", "message": "Sent Echoed message", "payload": "{\"content\":\"hello\"}" });
    assert_eq!(test_bed.log_entry(), went);
}

#[test]
fn an_object_without_a_content_is_an_error_at_the_mov_and_the_next_message_is_served() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _echo = test_bed.start();
    for body in ["{}", r#"{"content":""}"#, r#"{"content":5}"#, r#"{"content":null}"#, "[1,2]", "null", "\"text\""] {
        test_bed.client.publish(HEARD, &Message::bare(body));
        let entry = test_bed.log_entry();
        assert_eq!(entry["level"], "ERROR");
        assert_eq!(entry["payload"], body);
        let message = entry["message"].as_str().unwrap();
        assert!(message.starts_with("Cannot process echo, because "), "{body} was reported as {message:?}");
    }
    test_bed.assert_echoes("still here");
    assert_eq!(test_bed.client.depth(HEARD), 0);
}

#[test]
fn when_nobody_listens_it_is_said_once_and_the_messages_are_done_with() {
    let node = Node::shared();
    let test_bed = TestBed::without_listeners(node);
    let echo = test_bed.start();
    test_bed.say_numbers(100);
    echo.wait_output("nobody listens", SOON);
    let left = || node.ctl(&["list_queues", "-q", "-p", &test_bed.vhost.name, "name", "messages"]);
    echo.wait_until("the messages to be done with", SOON, || left().contains(&format!("{HEARD}\t0")));

    test_bed.client.declare(SAID);
    test_bed.assert_echoes("anybody there");
    let line = echo.wait_output("somebody listens", SOON);
    assert!(line.contains("100 messages were lost"), "{line}");
    let warnings = echo.output().matches("nobody listens").count();
    assert_eq!(warnings, 1, "one outage was told {warnings} times");
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(HEARD), 0, "a message that nobody wanted came back");
}

#[test]
fn a_hundred_thousand_messages_come_out_once_and_in_order() {
    const COUNT: u64 = 100_000;
    let node = Node::shared();
    let test_bed = TestBed::on(node).env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR");
    test_bed.say_numbers(COUNT);
    let echo = test_bed.start();
    echo.wait_until("all the messages to come out", LONG, || u64::from(test_bed.client.depth(SAID)) >= COUNT);
    let memory = echo.rss_kb();
    let connections = node.ctl(&["list_connections", "vhost", "client_properties"]);
    let is_component =
        |line: &&str| line.split('\t').next() == Some(&test_bed.vhost.name) && line.contains(crate::test_bed::NAME);
    assert_eq!(connections.lines().filter(is_component).count(), 3, "the connections are {connections}");
    assert!(memory < 30_000, "the component holds {memory} kB");

    let all = usize::try_from(COUNT).expect("a number of messages");
    for (expected, said) in test_bed.client.expect(SAID, all, LONG).iter().enumerate() {
        assert_eq!(said.message_id(), Some(&*expected.to_string()), "out of order, or twice");
        assert_eq!(said.text(), format!("{{\"content\":\"{expected}\"}}"));
    }
    assert_eq!(test_bed.client.depth(SAID), 0, "more came out than went in");
    echo.wait_until("the last acknowledgement", SOON, || test_bed.client.depth(HEARD) == 0);
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(HEARD), 0, "a message that was answered was not acknowledged");
}

#[test]
fn several_workers_share_the_work() {
    let test_bed = TestBed::on(Node::shared()).env("WORKERS", 4).env("RABBITMQ_PREFETCH", 10);
    let echo = test_bed.start();
    echo.wait_until("four consumers", SOON, || test_bed.client.consumers(HEARD) == 4);
    test_bed.say_numbers(1000);
    let counts = crate::test_bed::count_numbers(&test_bed.client.expect(SAID, 1000, SOON));
    assert_eq!(crate::test_bed::assert_all_came_out(&counts, 1000), 0, "something came out twice");
}

#[test]
fn a_queue_of_another_kind_is_told_and_waited_for() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    test_bed.client.delete(HEARD);
    let mut arguments = testkit::FieldTable::new();
    arguments.insert("x-max-length".into(), testkit::AmqpValue::LongInt(5));
    test_bed.client.declare_with(HEARD, arguments);
    let echo = test_bed.launch().start();
    echo.wait_output("inequivalent arg", SOON);
    test_bed.client.delete(HEARD);
    echo.wait_until("it to hear its queue", SOON, || test_bed.client.consumers(HEARD) > 0);
    test_bed.client.publish(HEARD, &numbered(1));
    assert_eq!(test_bed.echo().message_id(), Some("1"));
}
