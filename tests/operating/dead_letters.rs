//! `dead-letters` and `dead-letters show`: how many there are, since when, and why.

use serde_json::json;
use testkit::{Message, Node, ProcessBuilder};

use super::{
    assert_no_control_characters, dead_letter, drain_ids, publish_dead_letters, run, run_json, run_with_code,
    wait_depth,
};
use crate::test_bed::{DEAD_LETTERS, INPUT, NAME, SOON, TestBed};

#[test]
fn the_dead_letters_of_a_running_component_are_listed_with_their_reasons() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let component = test_bed.start();
    for body in ["{}", "{}", "[1]"] {
        test_bed.client.publish(INPUT, &Message::bare(body));
    }
    test_bed.wait_dead_letters(3, &component);
    let listed = run_json(&test_bed.vhost, "dead-letters");
    assert_eq!(listed.len(), 1, "queues that do not exist are listed: {listed:?}");
    let queue = &listed[0];
    assert_eq!(
        (&queue["queue"], &queue["kind"], &queue["messages"]),
        (&json!(DEAD_LETTERS), &json!("dead_letter"), &json!(3))
    );
    assert_eq!(queue["reasons"][0]["count"], 2, "the most frequent reason is not the first: {queue}");
    assert!(
        queue["oldest"].as_u64() > Some(1_700_000_000) && queue["oldest"].as_u64() <= queue["newest"].as_u64(),
        "{queue}"
    );
    wait_depth(&test_bed, DEAD_LETTERS, 3);

    let people = run_with_code(&test_bed.vhost, "dead-letters", 0).stdout;
    assert!(people.contains("oldest (UTC)") && people.contains("reasons in"), "{people}");
    assert!(!people.contains('\u{1b}'), "there is colour in a pipe: {people}");
    test_bed.assert_echoes("the component goes on");
}

#[test]
fn messages_that_wait_for_a_retry_are_counted() {
    let test_bed = TestBed::on(Node::shared())
        .env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1)
        .env("LOG_MOV_LEVEL", "ERROR")
        .env("RETRY_TTL", 600_000)
        .env("RETRY_MAX_TTL", 600_000);
    let component = test_bed.start();
    test_bed.publish("hello");
    let command = test_bed.builder().clone().arg("dead-letters").arg("--json");
    let retry = format!("\"queue\":\"{}", DEAD_LETTERS.replace("dead_letter", "retry"));
    component.wait_until("the message to wait for its retry", SOON, || {
        let stdout = command.run(SOON).stdout;
        stdout.lines().any(|line| line.contains(&retry) && line.contains("/600000") && line.contains("\"messages\":1"))
    });
}

#[test]
fn without_dead_letters_nothing_is_listed_and_no_queue_is_created() {
    let test_bed = TestBed::on(Node::shared());
    for arguments in
        ["dead-letters", "dead-letters list", "dead-letters show", "dead-letters replay", "dead-letters purge"]
    {
        let finished = run_with_code(&test_bed.vhost, arguments, 0);
        assert!(finished.stdout.is_empty(), "`{arguments}` printed {finished:?}");
        assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "`{arguments}` created the queue");
    }
}

#[test]
fn each_dead_letter_is_shown_with_its_origin_attempts_error_and_time() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 20);
    let shown = run_json(&test_bed.vhost, "dead-letters show --count 3 --where header:x-error~=1");
    let ids: Vec<_> = shown.iter().map(|it| it["properties"]["message_id"].clone()).collect();
    assert_eq!(ids, ["1", "3", "5"]);
    let first = &shown[0];
    assert_eq!((&first["original_queue"], &first["attempts"]), (&json!(INPUT), &json!(6)));
    assert_eq!((&first["error"], &first["failed_at"]), (&json!("error 1"), &json!(1_700_000_001)));
    assert_eq!(first["body"], json!({"content": "1"}));
    for channel in ["data/received_message", "received_message", INPUT, DEAD_LETTERS] {
        let people = run_with_code(&test_bed.vhost, &format!("dead-letters show {channel} -n 1"), 0).stdout;
        for expected in ["error 0", "attempts 6", "2023-11-14 22:13:20 UTC", INPUT, r#"{"content":"0"}"#] {
            assert!(people.contains(expected), "{expected} is not in {people}");
        }
    }
    wait_depth(&test_bed, DEAD_LETTERS, 20);
    assert_eq!(drain_ids(&test_bed, DEAD_LETTERS), (0..20).collect::<Vec<_>>(), "the order has changed");
}

#[test]
fn a_hundred_thousand_dead_letters_are_listed() {
    for vhost in [Node::shared().vhost(), Node::shared().quorum_vhost()] {
        let test_bed = TestBed::in_vhost(vhost);
        publish_dead_letters(&test_bed, 100_000);
        let listed = run_json(&test_bed.vhost, "dead-letters");
        let reasons = json!([{"reason": "error 0", "count": 50_000}, {"reason": "error 1", "count": 50_000}]);
        assert_eq!((&listed[0]["messages"], &listed[0]["reasons"]), (&json!(100_000), &reasons));
        assert_eq!((&listed[0]["oldest"], &listed[0]["newest"]), (&json!(1_700_000_000), &json!(1_700_099_999)));
        wait_depth(&test_bed, DEAD_LETTERS, 100_000);
    }
}

#[test]
fn hostile_headers_of_dead_letters_are_never_written_raw() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare(DEAD_LETTERS);
    let escapes = "\u{1b}[2J\n\u{9b}31m\u{202e}";
    let hostile = dead_letter(1).header("x-error", escapes).header("x-original-queue", escapes);
    test_bed.client.publish(DEAD_LETTERS, &hostile.header("x-failed-at", "18446744073709551615"));
    for arguments in
        ["dead-letters", "dead-letters show", "dead-letters replay --dry-run", "dead-letters replay --yes --to x"]
    {
        for json in ["", " --json"] {
            let finished = run(&test_bed.vhost, &format!("{arguments}{json}"));
            assert!(finished.code.is_some_and(|code| code < 2), "{finished:?}");
            assert_no_control_characters(&finished.stdout);
            assert_no_control_characters(&finished.stderr);
        }
    }
}

#[test]
fn the_dead_letters_of_another_component_need_its_channel_or_its_contract() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 1);
    let valawai = |arguments: &str| {
        let builder = ProcessBuilder::operator(&test_bed.vhost);
        arguments.split(' ').fold(builder, ProcessBuilder::arg).run(SOON)
    };
    assert_eq!(valawai("dead-letters").code, Some(64), "no component was given");
    let unknown = valawai(&format!("dead-letters --component {NAME}"));
    assert!(unknown.code == Some(64) && unknown.stderr.contains("--asyncapi"), "{unknown:?}");
    let file = format!("{}/asyncapi.yaml", env!("CARGO_MANIFEST_DIR"));
    let listed = valawai(&format!("dead-letters --asyncapi {file} --json"));
    assert!(listed.stdout.contains("\"messages\":1"), "{listed:?}");
    let shown = valawai(&format!("dead-letters show data/received_message --component {NAME}"));
    assert!(shown.stdout.contains("error 0"), "{shown:?}");
}
