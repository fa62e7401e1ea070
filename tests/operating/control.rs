//! `control`: orders to running processes.

use serde_json::Value;
use testkit::{Mov, Node, wait_until};

use super::{run_json, run_with_code, wait_until_it_answers};
use crate::test_bed::{INPUT, LONG, NAME, SOON, TestBed, assert_none_lost, count_by_number};

/// A process that answers.
fn started(test_bed: &TestBed) -> testkit::Process {
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    component
}

fn is_paused(test_bed: &TestBed) -> bool {
    let stats = run_json(&test_bed.vhost, "stats --count 1").remove(0);
    let channels = stats["channels"].as_array().unwrap();
    channels.iter().any(|it| it["channel"] == "data/received_message" && it["paused"] == Value::Bool(true))
}

#[test]
fn a_paused_channel_is_not_consumed_until_it_is_resumed() {
    let test_bed = TestBed::on(Node::shared());
    let component = started(&test_bed);
    let answer = run_with_code(&test_bed.vhost, "control pause received_message --count 1", 0).stdout;
    assert!(answer.contains("data/received_message is paused until it is resumed"), "{answer}");
    component.wait_output("an operator pauses data/received_message", SOON);
    wait_until("no consumer", SOON, || test_bed.client.consumers(INPUT) == 0);
    assert!(is_paused(&test_bed));
    test_bed.publish("waiting");
    assert_eq!(test_bed.client.depth(INPUT), 1, "a message was consumed");
    run_with_code(&test_bed.vhost, "control resume --count 1", 0);
    assert!(test_bed.next_reply().text().contains("waiting"));
    assert!(!is_paused(&test_bed));
}

#[test]
fn a_pause_ends_when_its_time_is_up() {
    let test_bed = TestBed::on(Node::shared());
    let component = started(&test_bed);
    run_with_code(&test_bed.vhost, "control pause --for 1s --count 1", 0);
    test_bed.publish("waiting");
    assert!(test_bed.next_reply().text().contains("waiting"));
    component.wait_output("the time of its pause is up", SOON);
}

#[test]
fn pausing_under_load_loses_and_repeats_nothing() {
    const COUNT: u64 = 20_000;
    let test_bed = TestBed::on(Node::shared()).with_quiet_logs();
    let component = test_bed.start_under_load(COUNT);
    wait_until_it_answers(&test_bed.vhost);
    for _ in 0..5 {
        for order in ["pause", "resume"] {
            run_with_code(&test_bed.vhost, &format!("control {order} --count 1 --timeout 30s"), 0);
        }
    }
    let replies = test_bed.client.receive(crate::test_bed::OUTPUT, usize::try_from(COUNT).unwrap(), LONG);
    let repeated = assert_none_lost(&count_by_number(&replies), COUNT);
    assert_eq!(repeated, 0, "messages were repeated although nothing failed");
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn a_paused_process_is_healthy_and_stops_in_time() {
    let test_bed = TestBed::on(Node::shared());
    let _mov = Mov::start(&test_bed.vhost);
    let component = started(&test_bed);
    component.wait_healthy();
    run_with_code(&test_bed.vhost, "control pause --count 1", 0);
    wait_until("no consumer", SOON, || test_bed.client.consumers(INPUT) == 0);
    assert!(component.is_healthy());
    assert_eq!(component.stop(SOON).code(), Some(0));
}

#[test]
fn the_log_level_is_changed_and_reset() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_CONSOLE_LEVEL", "WARN");
    let component = started(&test_bed);
    test_bed.assert_echoes("unseen");
    let answer = run_with_code(&test_bed.vhost, "control log-level info --target component --count 1", 0).stdout;
    assert!(answer.contains("WARN on the console") && answer.contains("component: INFO"), "{answer}");
    test_bed.assert_echoes("seen");
    component.wait_output("seen", SOON);
    assert!(!component.output().contains("unseen"), "{}", component.output());
    run_with_code(&test_bed.vhost, "control log-level reset --count 1", 0);
    test_bed.assert_echoes("hidden");
    run_with_code(&test_bed.vhost, "control log-level info --for 1s --count 1", 0);
    component.wait_output("the log levels are WARN on the console", SOON);
    test_bed.assert_echoes("concealed");
    for text in ["hidden", "concealed"] {
        assert!(!component.output().contains(text), "{}", component.output());
    }
}

#[test]
fn one_instance_is_stopped_as_by_sigterm() {
    let test_bed = TestBed::on(Node::shared());
    let mov = Mov::start(&test_bed.vhost);
    let component = started(&test_bed);
    component.wait_healthy();
    let instance = run_json(&test_bed.vhost, "ping --count 1")[0]["instance"].as_str().unwrap().to_owned();
    let unconfirmed = run_with_code(&test_bed.vhost, &format!("control stop --instance {instance}"), 64);
    assert!(unconfirmed.stderr.contains("--yes") && component.is_running(), "{unconfirmed:?}");
    let dry = run_with_code(&test_bed.vhost, "control stop --dry-run", 0);
    assert!(dry.stderr.contains(&format!("would ask {NAME} to stop")), "{dry:?}");
    run_with_code(&test_bed.vhost, &format!("control stop --yes --instance {instance} --count 1"), 0);
    assert_eq!(component.wait_exit(SOON).code(), Some(0));
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn what_a_process_refuses_has_a_reason() {
    let test_bed = TestBed::on(Node::shared());
    let _component = started(&test_bed);
    for (order, reason) in [
        ("pause data/unknown", "does not consume a channel data/unknown"),
        ("pause data/publish_message", "does not consume"),
        ("log-level loud", "is no level"),
        ("set no_such=1", "`no_such` is no setting of this component"),
        ("set rabbitmq_host=elsewhere", "cannot be changed by message"),
        ("set channels/data/received_message/prefetch=0", "expected a number from 1 to 65535"),
        ("set shutdown_grace=8 log_dir=/tmp", "LOG_DIR cannot be changed while the component runs"),
    ] {
        let refused = run_with_code(&test_bed.vhost, &format!("control {order} --count 1"), 1);
        assert!(refused.stdout.contains(reason), "{order}: {refused:?}");
    }
}
