//! The commands that talk to running processes.

use testkit::{Mov, Node};

use super::super::wait_until_it_answers;
use super::{ASKS, NONE, NightShift};
use crate::test_bed::{INPUT, SOON, TestBed};

/// The queue of `monitor --trace`, and the exchange that it is bound to.
const TEMPORARY: &str = r"^amq\.gen";
const FIREHOSE: &str = r"^amq\.rabbitmq\.trace$";
const TEMPORARY_AND_FIREHOSE: &str = r"^amq\.(gen|rabbitmq\.trace$)";

#[test]
fn to_ask_processes_one_permission_suffices_and_without_it_the_refusal_is_shown() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let _component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    let night_shift = NightShift::on(node, &test_bed);
    for (arguments, code) in [
        ("ping --count 1 --timeout 30s", 0),
        ("info --count 1 --timeout 30s", 0),
        ("stats --count 1 --timeout 30s", 0),
        ("control pause --count 1 --timeout 30s", 0),
        ("control resume --count 1 --timeout 30s", 0),
        ("monitor --for 1s", 0),
        ("logs --for 1s", 0),
    ] {
        night_shift.assert_exits(arguments, ASKS, code);
        night_shift.assert_refused(arguments, (NONE, NONE, NONE), "'valawai.service'");
        night_shift.assert_in_help(arguments, ASKS);
    }
}

#[test]
fn the_status_takes_the_permission_to_ask_and_to_look_at_queues() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let _component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    let night_shift = NightShift::on(node, &test_bed);
    let permissions = (NONE, r"^valawai(\.service$|/)", NONE);
    let status = night_shift.run("status", permissions);
    // That the component is not registered is a problem.
    assert_eq!(status.code, Some(1), "{status:?}");
    assert!(status.stdout.contains(INPUT), "{status:?}");
    night_shift.assert_in_help("status", permissions);
    night_shift.assert_refused("status", (NONE, "^valawai/", NONE), "'valawai.service'");
    // Before, everybody may look at queues.
    if node.version() >= (4, 3) {
        night_shift.assert_refused("status", ASKS, "queue 'valawai/");
    }
}

#[test]
fn to_trace_it_takes_a_temporary_queue_and_the_firehose() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let night_shift = NightShift::on(node, &test_bed);
    let trace = "monitor --trace --for 1s";
    let permissions = (TEMPORARY, TEMPORARY, TEMPORARY_AND_FIREHOSE);
    night_shift.assert_exits(trace, permissions, 0);
    night_shift.assert_in_help(trace, permissions);
    for (few, refused) in [
        ((NONE, TEMPORARY, TEMPORARY_AND_FIREHOSE), "'amq.gen"),
        ((TEMPORARY, NONE, TEMPORARY_AND_FIREHOSE), "'amq.gen"),
        ((TEMPORARY, TEMPORARY, FIREHOSE), "'amq.gen"),
        ((TEMPORARY, TEMPORARY, TEMPORARY), "'amq.rabbitmq.trace'"),
    ] {
        night_shift.assert_refused(trace, few, refused);
    }
}

#[test]
fn the_history_of_the_mov_needs_no_permission() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let mov = Mov::start(&test_bed.vhost);
    let night_shift = NightShift::on(node, &test_bed);
    let logs = night_shift.command("logs --mov", (NONE, NONE, NONE)).env("MOV_URL", mov.url());
    let finished = logs.run(SOON);
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
