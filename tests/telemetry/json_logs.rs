//! `LOG_FORMAT=json`: one object a line, whatever is logged, with the identifiers of the message that it is about.

use std::fs;

use serde_json::{Value, json};
use testkit::{Message, Mov, Node, Process};

use crate::test_bed::{INPUT, NAME, SOON, TestBed, wait_registered};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The lines of a text as objects; the last one may be incomplete while the component runs.
#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    let (lines, _) = text.rsplit_once('\n').unwrap_or_default();
    let object = |line: &str| -> Value {
        assert!(line.chars().all(|each| !each.is_control()), "a control character in {}", line.escape_debug());
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:.500}"))
    };
    lines.lines().map(object).collect()
}

fn console(component: &Process) -> Vec<Value> {
    objects(&component.output())
}

fn file(component: &Process) -> Vec<Value> {
    objects(&fs::read_to_string(component.directory().join("log_messages.txt")).expect("a log file"))
}

/// The first of the lines whose message contains `text`.
#[track_caller]
fn wait_for(component: &Process, lines: fn(&Process) -> Vec<Value>, text: &str) -> Value {
    let contains = |line: &Value| line["message"].as_str().is_some_and(|message| message.contains(text));
    component.wait_until(&format!("a line with {text:?}"), SOON, || lines(component).into_iter().find(contains))
}

fn test_bed() -> TestBed {
    TestBed::on(Node::shared()).env("LOG_FORMAT", "json").env("LOG_CONSOLE_LEVEL", "DEBUG")
}

#[test]
fn each_line_is_an_object_with_the_message_that_it_is_about() {
    let test_bed = test_bed();
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let id = wait_registered(&mov, &component);
    let message = Message::json(&json!({"content": "hello"}))
        .message_id("m-1")
        .header("conversation_id", "c-1")
        .header("traceparent", PARENT);
    test_bed.client.publish(INPUT, &message);
    let reply = test_bed.next_reply();
    let parent = reply.text_header("traceparent").expect("a trace").to_owned();
    for lines in [console, file] {
        // One is written by the handler, the other when its reply is confirmed.
        for text in ["Received", "Sent"] {
            let line = wait_for(&component, lines, text);
            let time = line["time"].as_str().unwrap_or_default();
            assert!(time.len() == 24 && time.starts_with("20") && time.ends_with('Z'), "{line}");
            assert_eq!((&line["level"], &line["target"]), (&json!("INFO"), &json!("component")), "{line}");
            assert_eq!((&line["message_id"], &line["conversation_id"]), (&json!("m-1"), &json!("c-1")), "{line}");
            assert_eq!(line["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
            assert!(parent.contains(line["span_id"].as_str().expect("a span")), "{line} and {parent}");
            assert_eq!((&line["component"], &line["registration_id"]), (&json!(NAME), &json!(id)), "{line}");
        }
        let start = wait_for(&component, lines, "starts");
        for absent in ["message_id", "conversation_id", "trace_id", "span_id", "registration_id"] {
            assert_eq!(start.get(absent), None, "{start}");
        }
        assert_eq!(start["thread"], "main");
    }
}

#[test]
fn a_message_without_identifiers_has_none_of_the_one_before() {
    let test_bed = test_bed();
    let component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "first"})).message_id("m-1"));
    test_bed.next_reply();
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "second"})));
    test_bed.next_reply();
    assert_eq!(wait_for(&component, file, "first")["message_id"], "m-1");
    assert_eq!(wait_for(&component, file, "second").get("message_id"), None);
}

#[test]
fn hostile_and_huge_content_stays_on_its_line() {
    let test_bed = test_bed().env("LOG_MOV_LEVEL", "OFF");
    let component = test_bed.start();
    let hostile = "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\u{1b}[2J\u{9b}31m\u{2028}\u{202e}\u{7f}\0 \"\\";
    let bodies = [
        hostile.as_bytes().to_vec(),
        json!({ "content": hostile }).to_string().into_bytes(),
        // Escapes of half a character, which JSON forbids and some writers send, and bytes that are no text.
        br#"{"content": "\ud800 \udc00\ud800"}"#.to_vec(),
        b"\xff\xfe\x00 \xed\xa0\x80".to_vec(),
        json!({ "content": format!("{hostile}{}", "\u{7}é".repeat(350_000)) }).to_string().into_bytes(),
    ];
    let count = bodies.len();
    for (number, body) in bodies.into_iter().enumerate() {
        let hostile_id = format!("{number}{}", hostile.replace('\0', ""));
        test_bed.client.publish(INPUT, &Message::bare(body).message_id(hostile_id));
    }
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "the last"})));
    let is_last = |reply: &testkit::Received| reply.text().contains("the last");
    component.wait_until("the last reply", SOON, || test_bed.client.drain(crate::test_bed::OUTPUT).iter().any(is_last));
    wait_for(&component, console, "the last");
    for lines in [console(&component), file(&component)] {
        let forged = lines.iter().find(|line| line["message"] == "forged");
        assert_eq!(forged, None, "a line was forged");
        let about = |number: usize| {
            lines.iter().any(|it| it["message_id"].as_str().is_some_and(|id| id.starts_with(&number.to_string())))
        };
        assert!((0..count).all(about), "not all messages are logged: {lines:#?}");
    }
}

#[test]
fn without_a_log_file_the_console_has_objects_too() {
    let test_bed = test_bed().env("LOG_DIR", "/proc/no/such/folder");
    let component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::json(&json!({"content": "hello"})).message_id("m-1"));
    test_bed.next_reply();
    let line = wait_for(&component, console, "Received");
    assert_eq!((&line["message_id"], &line["component"]), (&json!("m-1"), &json!(NAME)), "{line}");
    assert_eq!(wait_for(&component, console, "logging to the console only")["level"], "WARN");
}

#[test]
fn operators_see_the_log_of_a_component_that_writes_objects_as_that_of_others() {
    let test_bed = test_bed();
    let _component = test_bed.start();
    crate::operating::wait_until_it_answers(&test_bed.vhost);
    let logs = crate::operating::command(&test_bed.vhost, "logs --count 1 --json").start();
    let entry = logs.wait_until("an entry", SOON, || {
        test_bed.publish("hello");
        logs.output().lines().find(|line| line.starts_with('{')).map(str::to_owned)
    });
    assert!(entry.contains("hello") && entry.contains("\"source\":\"INFO\""), "{entry}");
}
