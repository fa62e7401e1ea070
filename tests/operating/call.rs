//! `call`: requests and their replies.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Finished, Message, Node, Received};

use super::{assert_no_control_characters, command, objects, run_with_code};
use crate::test_bed::{INPUT, SOON, TestBed};

/// Calls the echo's input, which a thread of the test serves with `reply`. Returns the request, too.
fn call(test_bed: &TestBed, options: &str, reply: impl Fn(&Received) -> Message + Sync) -> (Finished, Received) {
    thread::scope(|scope| {
        let responder = scope.spawn(|| {
            let request = test_bed.client.receive(INPUT, 1, SOON).remove(0);
            let to = request.properties.reply_to().clone().expect("the request has a reply_to");
            // The broker routes replies to pseudo-queues that are not returned if the caller is gone.
            test_bed.client.try_publish(&to, &Message::json(&json!({"to": "nobody"})).correlation_id("another"));
            test_bed.client.try_publish(&to, &reply(&request));
            request
        });
        let arguments = format!(r#"call data/received_message {{"content":"hello"}}{options}"#);
        (command(&test_bed.vhost, &arguments).run(SOON), responder.join().expect("a responder that does not panic"))
    })
}

fn reply_to(request: &Received, body: &Value) -> Message {
    Message::json(body).correlation_id(request.correlation_id().unwrap_or_default())
}

#[test]
fn the_reply_to_a_request_is_printed() {
    let test_bed = TestBed::on(Node::shared());
    let answer = |request: &Received| reply_to(request, &request.json()).header("status", "success");
    let (finished, first) = call(&test_bed, "", answer);
    assert_eq!((finished.code, &*finished.stdout), (Some(0), "{\"content\":\"hello\"}\n"), "{finished:?}");
    let (finished, second) = call(&test_bed, " --json", answer);
    let printed = objects(&finished.stdout);
    assert_eq!(
        (&printed[0]["body"], &printed[0]["headers"]["status"]),
        (&json!({"content": "hello"}), &json!("success"))
    );
    assert_ne!(first.correlation_id(), second.correlation_id(), "two requests have the same correlation id");
    assert!(first.is_persistent() && first.content_type() == Some("application/json"), "{first:?}");
}

#[test]
fn a_reply_that_says_error_is_a_failure_with_its_reason() {
    let test_bed = TestBed::on(Node::shared());
    let (finished, _) = call(&test_bed, "", |request| {
        reply_to(request, &json!({"reason": "refused", "message": "the text\u{1b}[2J is empty"}))
            .header("status", "error")
    });
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("the request failed: refused: the text"), "{finished:?}");
    assert_no_control_characters(&finished.stdout);
    assert_no_control_characters(&finished.stderr);
}

#[test]
fn without_a_reply_it_times_out_and_says_why() {
    let test_bed = TestBed::on(Node::shared());
    let finished = run_with_code(&test_bed.vhost, r#"call received_message {"content":"x"} --timeout 500ms"#, 75);
    assert!(finished.stderr.contains("the component does not run"), "{finished:?}");
    assert!(finished.after < Duration::from_secs(5), "it took {:?}", finished.after);
    let finished = run_with_code(&test_bed.vhost, "call no_such_queue {}", 1);
    assert!(finished.stderr.contains("no_such_queue does not exist"), "{finished:?}");
    assert_eq!(test_bed.client.queue_info("no_such_queue"), None, "the queue was created");
}

#[test]
fn a_request_is_checked_before_it_is_sent() {
    let test_bed = TestBed::on(Node::shared());
    for (arguments, code) in [
        (r#"call received_message {"content":5}"#, 1),
        ("call received_message [1]", 1),
        ("call received_message nonsense", 1),
        ("call data/nonsense {}", 64),
        (r#"call received_message {"content":"x"}{"content":"y"}"#, 64),
        (r#"call received_message {"content":"x"} --dry-run"#, 0),
    ] {
        run_with_code(&test_bed.vhost, arguments, code);
    }
    assert_eq!(test_bed.client.depth(INPUT), 0, "a request was sent");
}
