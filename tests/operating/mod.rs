//! The operators' commands, from the outside: as a process, on a real RabbitMQ.

mod aliases;
mod call;
mod check;
mod common;
mod config;
mod control;
mod dead_letters;
mod inspect;
mod instances;
mod monitor;
mod mov;
mod own_queues;
mod permissions;
mod publish;
mod purge;
mod replay;
mod replay_faults;
mod served_call;
mod status;
mod terminal;

use serde_json::Value;
use testkit::{Finished, Message, ProcessBuilder, Received, Vhost, poll, wait_until};

use crate::test_bed::{DEAD_LETTERS, INPUT, LONG, SOON, TestBed, numbered_message};

/// A command of the component's program, with its arguments separated by spaces.
pub(crate) fn command(vhost: &Vhost, arguments: &str) -> ProcessBuilder {
    arguments.split(' ').fold(ProcessBuilder::component(vhost), ProcessBuilder::arg)
}

/// Runs a command of the component's program to its end.
#[track_caller]
pub(crate) fn run(vhost: &Vhost, arguments: &str) -> Finished {
    command(vhost, arguments).run(LONG)
}

/// Runs a command that must exit with `code`, and returns what it left.
#[track_caller]
pub(crate) fn run_with_code(vhost: &Vhost, arguments: &str, code: i32) -> Finished {
    let finished = run(vhost, arguments);
    let Finished { stdout, stderr, .. } = &finished;
    assert_eq!(finished.code, Some(code), "the exit code of `{arguments}`, which printed {stdout}{stderr}");
    finished
}

/// Waits until a process of the component answers.
#[track_caller]
pub(crate) fn wait_until_it_answers(vhost: &Vhost) {
    wait_until("an answer", SOON, || run(vhost, "ping --count 1").code == Some(0));
}

/// Runs a command that must succeed, with `--json`, and returns the objects that it printed.
#[track_caller]
pub(crate) fn run_json(vhost: &Vhost, arguments: &str) -> Vec<Value> {
    objects(&run_with_code(vhost, &format!("{arguments} --json"), 0).stdout)
}

/// The objects of an output, one a line.
#[track_caller]
pub(crate) fn objects(stdout: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line}"));
    stdout.lines().map(parse).collect()
}

/// Asserts that a text contains nothing that controls a terminal.
#[track_caller]
pub(super) fn assert_no_control_characters(text: &str) {
    let found = text.chars().find(|each| each.is_control() && *each != '\n');
    assert_eq!(found, None, "a control character is in {text:?}");
}

/// A dead letter as the component publishes it: numbered, with its origin and an error.
pub(super) fn dead_letter(number: u64) -> Message {
    let message = numbered_message(number).header("x-original-queue", INPUT).header("x-attempts", "6");
    message
        .header("x-error", format!("error {}", number % 2))
        .header("x-failed-at", (1_700_000_000 + number).to_string())
}

/// Declares the dead-letter queue of the input with `count` numbered dead letters.
pub(super) fn publish_dead_letters(test_bed: &TestBed, count: u64) {
    test_bed.client.declare(DEAD_LETTERS);
    test_bed.client.publish_many(DEAD_LETTERS, count, dead_letter);
}

/// The message ids in a queue, in its order. They are removed.
pub(super) fn drain_ids(test_bed: &TestBed, queue: &str) -> Vec<u64> {
    let id = |message: &Received| message.message_id().and_then(|id| id.parse().ok()).expect("a number as the id");
    test_bed.client.drain(queue).iter().map(id).collect()
}

/// Waits until a queue has `count` ready messages.
#[track_caller]
pub(super) fn wait_depth(test_bed: &TestBed, queue: &str, count: u32) {
    let mut depth = 0;
    let is_reached = poll(SOON, || {
        depth = test_bed.client.depth(queue);
        depth == count
    });
    assert!(is_reached.is_some(), "{queue} has {depth} messages instead of {count}");
}
