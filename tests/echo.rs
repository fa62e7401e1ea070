//! The echo: input, output and log entries.

use serde_json::json;

use testkit::{AmqpValue, FieldTable, Message, Node};

use crate::test_bed::{
    INPUT, LONG, MOV_LOG, NAME, OUTPUT, SOON, TestBed, assert_none_lost, count_by_number, numbered_message,
};

#[test]
fn the_reply_has_the_content_and_the_ids_of_the_message() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let message = Message::json(&json!({ "content": "héllo \"world\" \u{1f600}\n", "mood": {"is": "fine"} }))
        .message_id("m-1")
        .correlation_id("q-1")
        .header("conversation_id", "c-1")
        .header("other", "dropped");
    test_bed.client.publish(INPUT, &message);
    let reply = test_bed.next_reply();
    assert_eq!(reply.json(), json!({ "content": "héllo \"world\" \u{1f600}\n" }));
    assert_eq!(reply.content_type(), Some("application/json"));
    assert!(reply.is_persistent(), "the reply is not persistent");
    assert_eq!(reply.message_id(), Some("m-1"));
    assert_eq!(reply.correlation_id(), Some("q-1"));
    assert_eq!(reply.text_header("conversation_id"), Some("c-1"));
    assert_eq!(reply.text_header("other"), None);
}

#[test]
fn the_reply_to_a_message_without_an_id_gets_one() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let bare = || Message::bare(r#"{"content": "hello"}"#).content_type("application/json");
    test_bed.client.publish(INPUT, &bare());
    test_bed.client.publish(INPUT, &bare());
    let replies = test_bed.client.receive(OUTPUT, 2, SOON);
    assert_eq!(replies[0].text(), r#"{"content":"hello"}"#);
    assert!(replies[0].message_id().is_some() && replies[0].message_id() != replies[1].message_id());
}

#[test]
fn the_message_and_the_reply_are_logged_at_the_mov() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::bare(r#"{ "content": "hello", "mood": "fine" }"#));
    let received = test_bed.client.receive(MOV_LOG, 1, SOON).remove(0);
    assert_eq!(received.content_type(), Some("application/json"), "any other content type would poison the MOV's log");
    assert_eq!(
        received.json(),
        json!({
            "level": "INFO",
            "message": "Received a message to echo",
            "payload": "{ \"content\": \"hello\", \"mood\": \"fine\" }",
        })
    );
    let sent = json!({ "level": "INFO", "message": "Sent Echoed message", "payload": "{\"content\":\"hello\"}" });
    assert_eq!(test_bed.log_entry(), sent);
}

#[test]
fn a_message_without_a_content_is_an_error_in_the_log_of_the_mov() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _component = test_bed.start();
    for body in ["{}", r#"{"content":""}"#, r#"{"content":5}"#, r#"{"content":null}"#, "[1,2]", "null", "\"text\""] {
        test_bed.client.publish(INPUT, &Message::bare(body));
        let entry = test_bed.log_entry();
        assert_eq!(entry["level"], "ERROR");
        assert_eq!(entry["payload"], body);
        let message = entry["message"].as_str().unwrap();
        assert!(message.starts_with("Cannot process echo, because "), "{body} was logged as {message:?}");
    }
    test_bed.assert_echoes("after the invalid messages");
    assert_eq!(test_bed.client.depth(INPUT), 0);
}

#[test]
fn a_missing_output_queue_is_reported_once_and_its_messages_are_acknowledged() {
    let node = Node::shared();
    let test_bed = TestBed::without_output_queue(node.vhost());
    let component = test_bed.start();
    test_bed.publish_numbered(100);
    component.wait_output("messages published to it are dropped", SOON);
    let queues = || node.rabbitmqctl(&["list_queues", "-q", "-p", &test_bed.vhost.name, "name", "messages"]);
    component.wait_until("the messages to be acknowledged", SOON, || queues().contains(&format!("{INPUT}\t0")));

    test_bed.client.declare(OUTPUT);
    test_bed.assert_echoes("after the queue was declared");
    let line = component.wait_output("exists now", SOON);
    assert!(line.contains("100 messages were dropped"), "{line}");
    let warnings = component.output().matches("messages published to it are dropped").count();
    assert_eq!(warnings, 1, "the missing queue was reported {warnings} times");
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(INPUT), 0, "an unroutable message was requeued");
}

#[test]
fn a_hundred_thousand_messages_are_echoed_once_and_in_order() {
    const COUNT: u64 = 100_000;
    let node = Node::shared();
    let test_bed = TestBed::on(node).env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR");
    test_bed.publish_numbered(COUNT);
    let component = test_bed.start();
    component.wait_until("all replies", LONG, || u64::from(test_bed.client.depth(OUTPUT)) >= COUNT);
    let memory = component.rss_kb();
    let connections = node.rabbitmqctl(&["list_connections", "vhost", "client_properties"]);
    let is_component = |line: &&str| line.split('\t').next() == Some(&test_bed.vhost.name) && line.contains(NAME);
    assert_eq!(connections.lines().filter(is_component).count(), 3, "unexpected connections: {connections}");
    assert!(memory < 30_000, "the component uses {memory} kB");

    let all = usize::try_from(COUNT).expect("a number of messages");
    for (expected, reply) in test_bed.client.receive(OUTPUT, all, LONG).iter().enumerate() {
        assert_eq!(reply.message_id(), Some(&*expected.to_string()), "reordered or duplicated");
        assert_eq!(reply.text(), format!("{{\"content\":\"{expected}\"}}"));
    }
    assert_eq!(test_bed.client.depth(OUTPUT), 0, "there are more replies than messages");
    component.wait_until("the last message to be acknowledged", SOON, || test_bed.client.depth(INPUT) == 0);
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(INPUT), 0, "a message with a reply was not acknowledged");
}

#[test]
fn several_workers_share_the_messages() {
    let test_bed = TestBed::on(Node::shared()).env("WORKERS", 4).env("RABBITMQ_PREFETCH", 10);
    let component = test_bed.start();
    component.wait_until("four consumers", SOON, || test_bed.client.consumers(INPUT) == 4);
    test_bed.publish_numbered(1000);
    let counts = count_by_number(&test_bed.client.receive(OUTPUT, 1000, SOON));
    assert_eq!(assert_none_lost(&counts, 1000), 0, "a message has two replies");
}

#[test]
fn an_input_queue_with_other_arguments_is_reported_and_waited_for() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    test_bed.client.delete(INPUT);
    let mut arguments = FieldTable::new();
    arguments.insert("x-max-length".into(), AmqpValue::LongInt(5));
    test_bed.client.declare_with(INPUT, arguments);
    let component = test_bed.builder().start();
    component.wait_output("inequivalent arg", SOON);
    test_bed.client.delete(INPUT);
    component.wait_until("it to consume its input", SOON, || test_bed.client.consumers(INPUT) > 0);
    test_bed.client.publish(INPUT, &numbered_message(1));
    assert_eq!(test_bed.next_reply().message_id(), Some("1"));
}
