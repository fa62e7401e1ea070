//! `publish`: messages, and whether a queue has them.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Finished, Message, Node, ProcessBuilder, Signal};

use super::{assert_no_control_characters, command, run, run_json, run_with_code};
use crate::test_bed::{INPUT, LONG, NAME, OUTPUT, SOON, TestBed};

/// Publishes to the echo's input, with the JSON as one argument.
fn publish(test_bed: &TestBed, message: &str, options: &[&str]) -> Finished {
    let program = command(&test_bed.vhost, "publish data/received_message").arg(message);
    options.iter().fold(program, ProcessBuilder::arg).run(LONG)
}

#[track_caller]
fn assert_refused(test_bed: &TestBed, message: &str, expected: &str) {
    let finished = publish(test_bed, message, &[]);
    assert_eq!(finished.code, Some(1), "{message}: {finished:?}");
    assert!(finished.stderr.contains(expected), "{message}: {finished:?}");
    assert_eq!(test_bed.client.depth(INPUT), 0, "{message} was published");
}

#[test]
fn a_running_component_gets_what_is_published() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    let finished = publish(&test_bed, r#"{"content": "hello"}"#, &[]);
    assert_eq!((finished.code, &*finished.stderr), (Some(0), "published 1\n"), "{finished:?}");
    assert_eq!(test_bed.next_reply().json(), json!({"content": "hello"}));
}

#[test]
fn a_message_has_the_headers_and_the_identifier_that_are_given() {
    let test_bed = TestBed::on(Node::shared());
    let finished =
        publish(&test_bed, r#"{"content":  "x"}"#, &["--header", "kind=a=b", "--message-id", "m-1", "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(finished.stdout, "{\"published\":1,\"unroutable\":0,\"nacked\":0,\"unconfirmed\":0}\n");
    let message = test_bed.client.get(INPUT).expect("a message");
    assert_eq!((message.message_id(), message.text_header("kind")), (Some("m-1"), Some("a=b")));
    assert_eq!((message.content_type(), message.is_persistent()), (Some("application/json"), true));
    assert_eq!(message.text(), r#"{"content":  "x"}"#, "the body is not as it was given");
    assert_eq!(publish(&test_bed, r#"{"content": "x"}"#, &["--count", "2"]).code, Some(0));
    let ids = [0, 1].map(|_| test_bed.client.get(INPUT).and_then(|it| it.message_id().map(str::to_owned)));
    assert!(ids[0].is_some() && ids[0] != ids[1], "the identifiers are not distinct: {ids:?}");
}

#[test]
fn a_message_that_no_queue_has_is_a_failure() {
    let test_bed = TestBed::without_output_queue(Node::shared().vhost());
    let finished = run_with_code(&test_bed.vhost, r#"publish data/publish_message {"content":"x"} --count 50"#, 1);
    assert!(finished.stderr.contains(&format!("no queue has the message published to {OUTPUT}")), "{finished:?}");
    assert_eq!(test_bed.client.queue_info(OUTPUT), None, "the queue was created");
    let finished = run_with_code(&test_bed.vhost, r"publish --exchange no_such_exchange --key k {}", 1);
    assert!(finished.stderr.contains("no_such_exchange"), "{finished:?}");
}

#[test]
fn a_message_that_the_schema_does_not_allow_is_refused() {
    let test_bed = TestBed::on(Node::shared());
    assert_refused(&test_bed, "{}", "content: is required");
    assert_refused(&test_bed, r#"{"content": ""}"#, "content: expected at least 1 characters, found 0");
    assert_refused(&test_bed, r#"{"content": 5}"#, "content: expected the type string, found a number");
    let finished = publish(&test_bed, "{}", &["--no-check"]);
    assert_eq!((finished.code, test_bed.client.depth(INPUT)), (Some(0), 1), "{finished:?}");
}

#[test]
fn what_is_not_a_json_object_is_refused_because_it_would_poison_the_mov() {
    let test_bed = TestBed::on(Node::shared());
    for message in ["[1]", "\"text\"", "5", "null"] {
        assert_refused(&test_bed, message, "is not a JSON object");
    }
    for message in ["hello", "{\"content\": NaN}", "{\"content\": \"a", "{} x"] {
        assert_refused(&test_bed, message, "is not JSON");
    }
    test_bed.client.declare("valawai/log/add");
    let finished = run_with_code(&test_bed.vhost, "publish valawai/log/add [1]", 1);
    assert!(finished.stderr.contains("not a JSON object"), "a queue of the MOV is not protected: {finished:?}");
    test_bed.client.declare("other");
    run_with_code(&test_bed.vhost, "publish other [1]", 0);
    let finished = publish(&test_bed, "hello", &["--no-check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(test_bed.client.get(INPUT).map(|it| it.text()).as_deref(), Some("hello"));
}

#[test]
fn files_and_the_standard_input_may_have_many_messages() {
    let test_bed = TestBed::on(Node::shared());
    let lines: Vec<String> = (0..2500).map(|number| json!({"content": number.to_string()}).to_string()).collect();
    let lines = lines.join("\n");
    let file = test_bed.builder().directory().join("messages.jsonl");
    fs::write(&file, &lines).unwrap();
    let finished = publish(&test_bed, &format!("@{}", file.display()), &[]);
    assert!(finished.code == Some(0) && finished.stderr.contains("published 2500"), "{finished:?}");
    let received: Vec<Value> = test_bed.client.drain(INPUT).iter().map(|it| it.json()["content"].clone()).collect();
    assert!(
        received.iter().enumerate().all(|(number, it)| it.as_str() == Some(&number.to_string())),
        "the order has changed"
    );
    for message in [&["-"][..], &[]] {
        let program = message.iter().fold(command(&test_bed.vhost, "publish received_message"), ProcessBuilder::arg);
        let finished = program.input("{\n  \"content\": \"a\"\n}\n{\"content\": \"b\"}").run(SOON);
        assert!(finished.code == Some(0) && finished.stderr.contains("published 2"), "{finished:?}");
    }
    let program =
        command(&test_bed.vhost, "publish received_message -").input("{\"content\": \"c\"}\n{\"content\": 5}\n");
    let finished = program.run(SOON);
    assert!(finished.code == Some(1) && finished.stderr.contains("message 2 of the standard input"), "{finished:?}");
    assert!(finished.stderr.contains("published 1"), "it does not say what was done: {finished:?}");
}

#[test]
fn cbor_is_published_where_it_is_allowed() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare("other");
    let cbor = b"\xa1\x67content\x65hello";
    let file = test_bed.builder().directory().join("message.cbor");
    fs::write(&file, cbor).unwrap();
    for message in [format!("@{} --json", file.display()), r#"{"content":"hello"} --cbor"#.to_owned()] {
        run_with_code(&test_bed.vhost, &format!("publish other {message}"), 0);
        let message = test_bed.client.get("other").expect("a message");
        assert_eq!((message.content_type(), &*message.body), (Some("application/cbor"), &cbor[..]));
    }
    let finished = publish(&test_bed, r#"{"content": "hello"}"#, &["--cbor"]);
    assert!(finished.code == Some(1) && finished.stderr.contains("is CBOR"), "{finished:?}");
    assert_eq!(publish(&test_bed, r#"{"content": "hello"}"#, &["--cbor", "--no-check"]).code, Some(0));
}

#[test]
fn a_rate_is_kept() {
    let test_bed = TestBed::on(Node::shared());
    let finished = publish(&test_bed, r#"{"content": "x"}"#, &["--count", "31", "--rate", "20"]);
    assert_eq!((finished.code, test_bed.client.depth(INPUT)), (Some(0), 31), "{finished:?}");
    assert!(finished.after >= Duration::from_millis(1500), "31 messages at 20 a second took {:?}", finished.after);
}

#[test]
fn a_recording_is_published_again_with_its_timing() {
    let test_bed = TestBed::on(Node::shared());
    for (number, body) in [&b"{\"content\": \"a\"}"[..], b"{\"content\": \"b\", \"n\": 1.10}"].iter().enumerate() {
        test_bed.client.publish(INPUT, &Message::bare(*body).message_id(number.to_string()).header("kind", "x"));
    }
    let exported = run_with_code(&test_bed.vhost, "inspect received_message --json", 0).stdout;
    testkit::wait_until("the messages to be back", SOON, || test_bed.client.depth(INPUT) == 2);
    test_bed.client.purge(INPUT);
    let timed: Vec<String> = exported
        .lines()
        .zip([1_000_000, 1_003_000])
        .map(|(line, at_ms)| line.replacen('{', &format!("{{\"at_ms\":{at_ms},"), 1))
        .collect();
    let file = test_bed.builder().directory().join("recording.jsonl");
    fs::write(&file, timed.join("\n")).unwrap();
    for (speed, range) in [("2", 1500..20_000), ("0", 0..1400)] {
        let finished = run(&test_bed.vhost, &format!("publish --from {} --speed {speed}", file.display()));
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert!(range.contains(&finished.after.as_millis()), "at speed {speed} it took {:?}", finished.after);
        let messages = test_bed.client.drain(INPUT);
        let bodies: Vec<String> = messages.iter().map(testkit::Received::text).collect();
        assert_eq!(bodies, [r#"{"content":"a"}"#, r#"{"content":"b","n":1.10}"#]);
        assert_eq!((messages[1].message_id(), messages[1].text_header("kind")), (Some("1"), Some("x")));
    }
    let finished = run(&test_bed.vhost, &format!("publish data/publish_message --from {} --speed 0", file.display()));
    assert_eq!((finished.code, test_bed.client.depth(OUTPUT)), (Some(0), 2), "{finished:?}");
    fs::write(&file, "{\"queue\": \"x\"}\n").unwrap();
    let finished = run(&test_bed.vhost, &format!("publish --from {}", file.display()));
    assert!(finished.code == Some(64) && finished.stderr.contains("recording.jsonl:1"), "{finished:?}");
}

#[test]
fn nothing_is_published_in_a_dry_run_and_what_is_wrong_is_said() {
    let test_bed = TestBed::on(Node::shared());
    let finished = publish(&test_bed, r#"{"content": "x"}"#, &["--dry-run", "--count", "3"]);
    assert!(finished.code == Some(0) && finished.stderr.contains("would publish 3"), "{finished:?}");
    assert_eq!(publish(&test_bed, "{}", &["--dry-run"]).code, Some(1));
    assert_eq!(test_bed.client.depth(INPUT), 0, "a message was published");
}

#[test]
fn arguments_that_make_no_sense_are_usage_errors() {
    let vhost = Node::shared().vhost();
    for (arguments, expected) in [
        ("publish", "which channel"),
        ("publish data/nonsense {}", &*format!("is not a channel of {NAME}, which has control/registered")),
        ("publish received_message @/no/such/file", "cannot read /no/such/file"),
        ("publish received_message @/", "cannot read /: Is a directory"),
        ("publish received_message {} --rate 0", "0.001"),
        ("publish received_message {} --header kind", "NAME=VALUE"),
        ("publish --exchange e {}", "--key"),
        ("publish received_message {} --from x", "cannot be used with"),
        ("publish received_message --from /no/such/file", "cannot read"),
        ("publish received_message -", "is empty"),
    ] {
        let finished = run_with_code(&vhost, arguments, 64);
        assert!(finished.stderr.contains(expected), "`{arguments}`: {finished:?}");
    }
    let finished = command(&vhost, "publish").arg("no\u{1b}[2Jqueue").arg("{}").run(SOON);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_no_control_characters(&finished.stderr);
}

#[test]
fn ctrl_c_says_what_was_published() {
    let test_bed = TestBed::on(Node::shared());
    let arguments = r#"publish received_message {"content":"x"} --count 1000000 --rate 50"#;
    let process = command(&test_bed.vhost, arguments).start();
    testkit::wait_until("some messages", SOON, || test_bed.client.depth(INPUT) > 10);
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait_exit(SOON).code(), Some(130), "{}", process.output());
    let depth = test_bed.client.depth(INPUT);
    assert!(process.output().contains(&format!("published {depth}\n")), "of {depth}: {}", process.output());
}

#[test]
fn a_broker_that_freezes_ends_it_with_a_clear_word() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    let arguments = r#"publish received_message {"content":"x"} --count 1000000 --rate 200"#;
    let process = command(&test_bed.vhost, arguments).start();
    process.wait_until("some messages", SOON, || test_bed.client.depth(INPUT) > 10);
    node.freeze();
    let exit = process.wait_exit(Duration::from_secs(40));
    node.thaw();
    assert!(matches!(exit.code(), Some(69 | 75)), "it exited with {:?}: {}", exit.code(), process.output());
    assert!(process.output().contains(" not confirmed\n"), "it does not say what is not known: {}", process.output());
    let objects = run_json(&test_bed.vhost, r#"publish received_message {"content":"x"}"#);
    assert_eq!(objects[0]["published"], 1, "the broker is not well again: {objects:?}");
}
