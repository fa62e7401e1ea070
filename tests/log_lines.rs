//! One entry of the log is one line, whatever stands in it: nobody writes lines of the log from outside, or to the terminal.

use serde_json::json;

use crate::test_bed::{HEARD, REGISTERED, SOON, TestBed};
use testkit::{Message, Node, Process};

/// What would forge a line, clear the screen, and turn the order of letters round.
const HOSTILE: &str = "x\n2026-01-01 00:00:00.000 [ERROR] forged: it is down\r\u{1b}[2J\u{9b}31m\u{2028}\u{202e}\u{7f}";

/// Whether `text` holds a line that the component did not write, or a character that does something.
#[track_caller]
fn assert_harmless(text: &str, what: &str) {
    let forged = text.lines().find(|line| line.starts_with("2026-01-01") || line.starts_with("forged"));
    assert_eq!(forged, None, "{what} has a forged line: {text}");
    let hostile = text.chars().find(|each| *each != '\n' && HOSTILE.contains(*each) && !(' '..='~').contains(each));
    assert_eq!(hostile, None, "{what} has a character that does something: {}", text.escape_debug());
}

#[track_caller]
fn assert_harmless_logs(echo: &Process) {
    assert_harmless(&echo.output(), "the console");
    let file = std::fs::read_to_string(echo.directory().join("log_messages.txt")).unwrap_or_default();
    assert_harmless(&file, "the file");
}

fn says_of_itself(test_bed: &TestBed, echo: &Process) {
    echo.wait_until("it to hear the control queue", SOON, || test_bed.client.consumers(REGISTERED) > 0);
    let notice = json!({ "id": "65a0b1c2d3e4f5061728394a", "name": HOSTILE, "type": "C1" });
    test_bed.client.publish(REGISTERED, &Message::json(&notice));
    echo.wait_output("forged", SOON);
}

#[test]
fn a_hostile_notice_forges_nothing() {
    let test_bed = TestBed::on(Node::shared());
    let echo = test_bed.start();
    says_of_itself(&test_bed, &echo);
    assert_harmless_logs(&echo);
}

#[test]
fn a_hostile_message_forges_nothing() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_CONSOLE_LEVEL", "DEBUG");
    let echo = test_bed.start();
    // In JSON only the characters below a blank must be escaped; the others come as they are.
    let raw = HOSTILE.replace(|each| each < ' ', "");
    for body in [format!(r#"{{"content": "forged {raw}"}}"#), format!(r#"{{"forged": "{raw}"}}"#), HOSTILE.to_owned()] {
        test_bed.client.publish(HEARD, &Message::bare(body.into_bytes()));
    }
    // The first of them has a content; what follows it shows that all were logged.
    let _echo_of_the_first = test_bed.echo();
    test_bed.assert_echoes("the last");
    echo.wait_output("the last", SOON);
    assert!(echo.output().matches("forged").count() >= 3, "the bodies are not logged: {}", echo.output());
    assert_harmless_logs(&echo);
}

#[test]
fn neither_without_a_log_file() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_DIR", "/proc/no/such/folder");
    let echo = test_bed.start();
    says_of_itself(&test_bed, &echo);
    assert_harmless_logs(&echo);
}
