//! `monitor` and `logs`: copies of what running processes do.

use std::fs;

use serde_json::{Value, json};
use testkit::{Message, Mov, Node, Process, wait_until};

use super::{assert_no_control_characters, command, objects, run, run_json, wait_until_it_answers};
use crate::test_bed::{INPUT, LONG, OUTPUT, SOON, TestBed, assert_none_lost, count_by_number};

/// A process, and a command that observes it.
fn observed(test_bed: &TestBed, arguments: &str) -> (Process, Process) {
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    let observer = command(&test_bed.vhost, arguments).start();
    observer.wait_output("observing", SOON);
    (component, observer)
}

fn observers(test_bed: &TestBed) -> u64 {
    run_json(&test_bed.vhost, "stats --count 1 --timeout 30s")[0]["observers"].as_u64().unwrap()
}

/// The objects among the lines of an output.
fn copies(observer: &Process) -> Vec<Value> {
    let output = observer.output();
    let lines: Vec<&str> = output.lines().filter(|it| it.starts_with('{')).collect();
    objects(&lines.join("\n"))
}

#[test]
fn messages_are_shown_as_they_come_in_and_go_out_and_none_is_taken() {
    let test_bed = TestBed::on(Node::shared());
    let (_component, observer) = observed(&test_bed, "monitor --json --count 2");
    test_bed.client.publish(INPUT, &Message::json(&json!({ "content": "hello" })).message_id("m-1"));
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
    let copies = copies(&observer);
    let shown = |copy: &Value| (copy["what"].clone(), copy["source"].clone(), copy["message_id"].clone());
    assert_eq!(shown(&copies[0]), (json!("received"), json!(INPUT), json!("m-1")));
    assert_eq!(shown(&copies[1]), (json!("published"), json!(OUTPUT), json!("m-1")));
    assert_eq!(copies[0]["body"], r#"{"content":"hello"}"#);
    assert!(test_bed.next_reply().text().contains("hello"), "the message was taken");
}

#[test]
fn only_messages_that_match_are_shown() {
    let test_bed = TestBed::on(Node::shared());
    let (_component, observer) = observed(&test_bed, "monitor --json --channel received --where content=b --count 1");
    for content in ["a", "b", "c"] {
        test_bed.publish(content);
    }
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
    let copies = copies(&observer);
    assert_eq!(
        (copies.len(), &copies[0]["body"], &copies[0]["source"]),
        (1, &json!(r#"{"content":"b"}"#), &json!(INPUT))
    );
}

#[test]
fn it_ends_when_nothing_was_shown_for_a_time() {
    let test_bed = TestBed::on(Node::shared());
    let arguments = "monitor --json --channel received --where content=yes --idle 6s";
    let (_component, observer) = observed(&test_bed, arguments);
    test_bed.publish("yes");
    observer.wait_until("the copy", SOON, || copies(&observer).len() == 1);
    // What is not shown does not keep it from ending.
    wait_until("it to end", SOON, || {
        test_bed.publish("no");
        !observer.is_running()
    });
    assert_eq!(observer.wait_exit(SOON).code(), Some(0), "{}", observer.output());
    assert_eq!(copies(&observer).len(), 1, "{}", observer.output());
}

#[test]
fn copies_end_when_the_observer_ends_or_dies() {
    let test_bed = TestBed::on(Node::shared());
    let (_component, observer) = observed(&test_bed, "monitor");
    assert_eq!(observers(&test_bed), 1);
    observer.interrupt();
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
    wait_until("the end of the lease", SOON, || observers(&test_bed) == 0);
    let killed = command(&test_bed.vhost, "monitor").start();
    killed.wait_output("observing", SOON);
    killed.kill();
    wait_until("the end of the lease of the dead observer", SOON, || observers(&test_bed) == 0);
}

#[test]
fn under_load_copies_are_dropped_and_counted_and_no_message_is() {
    const COUNT: u64 = 20_000;
    let test_bed = TestBed::on(Node::shared()).with_quiet_logs();
    let (component, observer) = observed(&test_bed, "monitor --json");
    test_bed.publish_numbered(COUNT);
    let replies = test_bed.client.receive(OUTPUT, usize::try_from(COUNT).unwrap(), LONG);
    assert_eq!(assert_none_lost(&count_by_number(&replies), COUNT), 0);
    // The last report of dropped copies follows the last copy.
    wait_until("all copies to be accounted for", SOON, || {
        let output = observer.output();
        let dropped =
            output.lines().filter_map(|line| line.split_once(" dropped ")?.1.split(' ').next()?.parse::<u64>().ok());
        let copies = output.lines().filter(|line| line.starts_with('{')).count() as u64;
        dropped.sum::<u64>() + copies == 2 * COUNT
    });
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn a_recording_has_a_line_for_each_message() {
    let test_bed = TestBed::on(Node::shared());
    let path = test_bed.builder().directory().join("recording.jsonl");
    let (_component, observer) = observed(&test_bed, &format!("monitor --count 4 --save {}", path.display()));
    test_bed.publish("a");
    test_bed.client.publish(INPUT, &Message::bare(b"\xff\x00"));
    test_bed.publish("b");
    wait_until("four copies", SOON, || !observer.is_running() || observer.output().lines().count() > 4);
    observer.interrupt();
    let _ = observer.wait_exit(SOON);
    let recorded = objects(&fs::read_to_string(path).unwrap());
    let bodies: Vec<&Value> = recorded.iter().filter(|it| it["what"] == "received").map(|it| &it["body"]).collect();
    assert!(
        bodies.contains(&&json!({ "content": "a" })) && recorded.iter().any(|it| it["hex"] == "ff00"),
        "{recorded:?}"
    );
    assert!(recorded.iter().all(|it| it["at_ms"].is_u64()), "{recorded:?}");
}

#[test]
fn escape_sequences_in_a_message_do_not_reach_the_terminal() {
    let test_bed = TestBed::on(Node::shared());
    let (_component, observer) = observed(&test_bed, "monitor --count 2");
    test_bed.client.publish(INPUT, &Message::bare(b"{\"content\":\"\x1b[2J\"}").message_id("\u{1b}]0;x\u{7}"));
    wait_until("the copy", SOON, || observer.output().contains("content"));
    assert_no_control_characters(&observer.output());
}

#[test]
fn log_entries_are_shown_by_level_and_pattern() {
    let test_bed = TestBed::on(Node::shared());
    let (_component, observer) = observed(&test_bed, "logs --json --level error --count 1");
    let matching = command(&test_bed.vhost, "logs all --grep Sent.*message --count 1 --follow").start();
    matching.wait_output("observing", SOON);
    test_bed.assert_echoes("hello");
    test_bed.client.publish(INPUT, &Message::bare(b"no json"));
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
    let copies = copies(&observer);
    assert_eq!((&copies[0]["what"], &copies[0]["source"]), (&json!("log"), &json!("ERROR")));
    assert_eq!(matching.wait_exit(SOON).code(), Some(0));
    assert!(matching.output().contains("INFO Sent Echoed message"), "{}", matching.output());
    let invalid = run(&test_bed.vhost, "logs --grep (");
    assert_eq!(invalid.code, Some(64), "{invalid:?}");
}

#[test]
fn the_firehose_shows_what_other_programs_publish() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    node.rabbitmqctl(&["trace_on", "-p", &test_bed.vhost.name]);
    let observer = command(&test_bed.vhost, "monitor --trace --channel received --where content=b --count 1").start();
    observer.wait_output("observing", SOON);
    test_bed.publish("a");
    test_bed.publish("b");
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
    assert!(observer.output().contains(r#"{"content":"b"}"#), "{}", observer.output());
    assert_eq!(test_bed.client.depth(INPUT), 2, "a message was taken");
}

#[test]
fn without_the_firehose_the_command_says_how_to_turn_it_on() {
    let test_bed = TestBed::on(Node::shared());
    let observer = command(&test_bed.vhost, "monitor --trace").start();
    observer.wait_output("rabbitmqctl trace_on", SOON);
    observer.interrupt();
    assert_eq!(observer.wait_exit(SOON).code(), Some(0));
}

#[test]
fn the_history_of_the_log_comes_from_the_mov_and_is_followed() {
    let test_bed = TestBed::on(Node::shared());
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    component.wait_healthy();
    test_bed.assert_echoes("first");
    let logs = test_bed.builder().clone().env("MOV_URL", mov.url()).arg("logs").arg("--mov");
    wait_until("the entry", SOON, || logs.run(SOON).stdout.contains("first"));
    let errors = logs.clone().arg("--level").arg("error").run(SOON);
    assert!(errors.code == Some(0) && !errors.stdout.contains("first"), "{errors:?}");
    let followed = logs.clone().arg("--follow").arg("--grep").arg("Sent").start();
    followed.wait_output("first", SOON);
    test_bed.assert_echoes("second");
    followed.wait_output("second", SOON);
    followed.interrupt();
    assert_eq!(followed.wait_exit(SOON).code(), Some(0));
}
