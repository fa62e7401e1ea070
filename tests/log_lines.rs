//! Log injection: an entry is one line, and contains no control characters from outside.

use serde_json::json;

use testkit::{Message, Node, Process};

use crate::test_bed::{INPUT, REGISTERED, SOON, TestBed};

/// Text that would forge a line, clear the screen and reverse the direction of text.
const HOSTILE: &str = "x\n2026-01-01 00:00:00.000 [ERROR] forged: it is down\r\u{1b}[2J\u{9b}31m\u{2028}\u{202e}\u{7f}";

/// Asserts that `text` has neither a forged line nor a control character.
#[track_caller]
fn assert_harmless(text: &str, what: &str) {
    let forged = text.lines().find(|line| line.starts_with("2026-01-01") || line.starts_with("forged"));
    assert_eq!(forged, None, "{what} has a forged line: {text}");
    let hostile = text.chars().find(|each| *each != '\n' && HOSTILE.contains(*each) && !(' '..='~').contains(each));
    assert_eq!(hostile, None, "{what} has a control character: {}", text.escape_debug());
}

#[track_caller]
fn assert_harmless_logs(component: &Process) {
    assert_harmless(&component.output(), "the console");
    let file = std::fs::read_to_string(component.directory().join("log_messages.txt")).unwrap_or_default();
    assert_harmless(&file, "the log file");
}

fn publish_hostile_notice(test_bed: &TestBed, component: &Process) {
    component.wait_until("it to consume the control queue", SOON, || test_bed.client.consumers(REGISTERED) > 0);
    let notice = json!({ "id": "65a0b1c2d3e4f5061728394a", "name": HOSTILE, "type": "C1" });
    test_bed.client.publish(REGISTERED, &Message::json(&notice));
    component.wait_output("forged", SOON);
}

#[test]
fn a_hostile_notice_forges_no_log_line() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    publish_hostile_notice(&test_bed, &component);
    assert_harmless_logs(&component);
}

#[test]
fn a_hostile_message_forges_no_log_line() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_CONSOLE_LEVEL", "DEBUG");
    let component = test_bed.start();
    // JSON requires escapes only for the characters below U+0020; the others are sent as they are.
    let raw = HOSTILE.replace(|each| each < ' ', "");
    for body in [format!(r#"{{"content": "forged {raw}"}}"#), format!(r#"{{"forged": "{raw}"}}"#), HOSTILE.to_owned()] {
        test_bed.client.publish(INPUT, &Message::bare(body.into_bytes()));
    }
    // Only the first message has a reply. The echo of a later one shows that all were processed.
    test_bed.next_reply();
    test_bed.assert_echoes("the last");
    component.wait_output("the last", SOON);
    assert!(component.output().matches("forged").count() >= 3, "not all bodies are logged: {}", component.output());
    assert_harmless_logs(&component);
}

#[test]
fn without_a_log_file_a_hostile_notice_forges_no_log_line() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_DIR", "/proc/no/such/folder");
    let component = test_bed.start();
    publish_hostile_notice(&test_bed, &component);
    assert_harmless_logs(&component);
}
