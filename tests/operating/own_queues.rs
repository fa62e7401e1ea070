//! `configure` and `clear`: the queues that the component declares for itself.

use serde_json::json;
use testkit::{AmqpValue, FieldTable, Message, Node, ProcessBuilder};

use super::{command, objects, run_json, run_with_code};
use crate::test_bed::{DEAD_LETTERS, INPUT, SOON, TestBed};

const RETRY: &str = "valawai/c1/echo_example_with_rust_and_amiquip/retry/data/received_message/";

fn retry_queue(milliseconds: u32) -> String {
    format!("{RETRY}{milliseconds}")
}

#[test]
fn the_queues_of_the_settings_are_declared_as_the_component_declares_them() {
    let test_bed = TestBed::on(Node::shared()).env("MAX_RETRIES", 1).env("RETRY_TTL", 5000);
    let printed = run_json(&test_bed.vhost, "configure --dry-run");
    assert!(printed.iter().all(|it| it["result"] == "would be declared"), "{printed:?}");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "a dry run declared a queue");
    let printed = run_json(&test_bed.vhost, "configure");
    let expected = [5000, 10_000, 20_000, 40_000, 80_000].map(retry_queue);
    let names: Vec<&str> = printed.iter().filter_map(|it| it["queue"].as_str()).collect();
    assert_eq!(names[0], DEAD_LETTERS);
    assert_eq!(names[1..], expected, "the retry queues");
    assert!(names.iter().all(|name| test_bed.client.queue_info(name).is_some()), "a queue is missing");
    assert!(run_json(&test_bed.vhost, "configure").iter().all(|it| it["result"] == "exists"));
    let component = test_bed.start();
    test_bed.client.publish(INPUT, &Message::bare("refused"));
    test_bed.wait_dead_letters(1, &component);
    assert!(
        !component.output().contains("PRECONDITION"),
        "the component declares other queues: {}",
        component.output()
    );
}

#[test]
fn a_queue_with_other_arguments_is_a_conflict_in_words() {
    let test_bed = TestBed::on(Node::shared());
    let ttl = |milliseconds| ("x-message-ttl".to_owned(), AmqpValue::LongLongInt(milliseconds));
    // The broker names the first argument that differs.
    let expires = ("x-expires".to_owned(), AmqpValue::LongLongInt(65_000));
    test_bed.client.declare_with(&retry_queue(5000), FieldTable::from([ttl(7), expires]));
    test_bed.client.declare_with(DEAD_LETTERS, FieldTable::from([ttl(86_400_000)]));
    let finished = run_with_code(&test_bed.vhost, "configure", 1);
    let expected =
        format!("{}  exists with other arguments: x-message-ttl is 7, and should be 5000", retry_queue(5000));
    assert!(finished.stdout.contains(&expected), "{finished:?}");
    assert!(finished.stdout.contains("x-message-ttl is 86400000, and should be none"), "{finished:?}");
    assert!(finished.stderr.contains("--recreate"), "no remedy in {finished:?}");
    test_bed.client.publish(DEAD_LETTERS, &Message::bare("x"));
    // Without a terminal, it does not ask.
    run_with_code(&test_bed.vhost, "configure --recreate", 64);
    let finished = run_with_code(&test_bed.vhost, "configure --recreate --yes", 1);
    assert!(finished.stderr.contains("has 1 messages, and stays"), "{finished:?}");
    assert!(finished.stdout.contains(&format!("{}  deleted, and declared", retry_queue(5000))), "{finished:?}");
    assert_eq!(test_bed.client.depth(DEAD_LETTERS), 1, "a message was lost");
    let finished = run_with_code(&test_bed.vhost, "configure --recreate --force --yes", 0);
    assert!(finished.stdout.contains("deleted with 1 message, and declared"), "{finished:?}");
    run_with_code(&test_bed.vhost, "configure", 0);
}

#[test]
fn a_policy_is_printed_for_each_channel() {
    let builder = ProcessBuilder::component_without_settings().env("RABBITMQ_VHOST", "it's");
    let finished = builder.arg("configure").arg("--print-policy").run(SOON);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let lines: Vec<&str> = finished.stdout.lines().collect();
    let expected = format!(
        r#"rabbitmqctl set_policy --vhost 'it'\''s' --apply-to queues 'c1_echo_example_with_rust_and_amiquip-data-received_message-dead-letters' '^{INPUT}$' '{{"dead-letter-exchange":"","dead-letter-routing-key":"{DEAD_LETTERS}"}}'"#
    );
    assert_eq!(lines, [expected]);
}

#[test]
fn the_printed_policy_is_accepted_and_moves_what_the_broker_drops() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    run_with_code(&test_bed.vhost, "configure", 0);
    let line = run_with_code(&test_bed.vhost, "configure --print-policy", 0).stdout;
    let words: Vec<&str> = line.trim().split(' ').map(|word| word.trim_matches('\'')).collect();
    node.rabbitmqctl(&words[1..]);
    test_bed.client.publish(INPUT, &Message::bare("{}").expiration(1));
    testkit::wait_until("the expired message to be a dead letter", SOON, || test_bed.client.depth(DEAD_LETTERS) == 1);
}

#[test]
fn only_the_components_own_queues_are_deleted_and_full_ones_stay() {
    let test_bed = TestBed::on(Node::shared());
    let other = "valawai/c1/other/dead_letter/data/received_message";
    test_bed.client.declare(other);
    run_with_code(&test_bed.vhost, "configure", 0);
    test_bed.client.publish(DEAD_LETTERS, &Message::bare("x"));
    let printed = objects(&run_with_code(&test_bed.vhost, "clear --dry-run --json", 1).stdout);
    assert_eq!(printed[0], json!({"queue": DEAD_LETTERS, "result": "stays", "messages": 1}));
    assert!(printed.len() == 6 && printed[1]["result"] == "would be deleted", "{printed:?}");
    run_with_code(&test_bed.vhost, "clear", 64);
    assert!(test_bed.client.queue_info(&retry_queue(5000)).is_some(), "a queue was deleted without a question");
    run_with_code(&test_bed.vhost, "clear --queues retry --yes", 0);
    assert_eq!(test_bed.client.queue_info(&retry_queue(5000)), None, "the queue is still there");
    let finished = run_with_code(&test_bed.vhost, "clear --yes", 1);
    assert!(finished.stderr.contains("--force"), "{finished:?}");
    assert_eq!(test_bed.client.depth(DEAD_LETTERS), 1, "a dead letter was lost");
    let finished = run_with_code(&test_bed.vhost, "clear --queues dead-letter,retry --force --yes", 0);
    assert!(finished.stdout.contains("deleted with 1 message"), "{finished:?}");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "the queue is still there");
    for queue in [INPUT, other] {
        assert!(test_bed.client.queue_info(queue).is_some(), "{queue} was deleted");
    }
    let finished = run_with_code(&test_bed.vhost, "clear --yes", 0);
    assert!(finished.stderr.contains("there are no such queues"), "{finished:?}");
}

#[test]
fn empty_quorum_queues_are_deleted_although_the_broker_knows_no_such_condition() {
    let test_bed = TestBed::in_vhost(Node::shared().quorum_vhost());
    run_with_code(&test_bed.vhost, "configure", 0);
    test_bed.client.publish(&retry_queue(80_000), &Message::bare("x"));
    let finished = run_with_code(&test_bed.vhost, "clear --yes", 1);
    assert_eq!(finished.stdout.matches("  deleted  ").count(), 5, "{finished:?}");
    assert_eq!(test_bed.client.queue_info(DEAD_LETTERS), None, "the queue is still there");
    assert_eq!(test_bed.client.depth(&retry_queue(80_000)), 1, "a message was lost");
}

#[test]
fn without_the_channels_or_the_permission_nothing_is_done() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    for action in ["configure", "clear"] {
        let program = format!("{action} --component c0_other --yes")
            .split(' ')
            .fold(ProcessBuilder::operator(&test_bed.vhost), ProcessBuilder::arg);
        let finished = program.run(SOON);
        assert!(finished.code == Some(64) && finished.stderr.contains("--asyncapi FILE"), "{finished:?}");
    }
    node.set_permissions(&test_bed.vhost, false);
    let finished = command(&test_bed.vhost, "configure").run(SOON);
    node.set_permissions(&test_bed.vhost, true);
    assert!(finished.code == Some(1) && finished.stderr.contains("ACCESS_REFUSED"), "{finished:?}");
}
