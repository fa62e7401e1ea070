//! The operators' commands, from the outside: as a process, on a real RabbitMQ.

mod call;
mod check;
mod common;
mod config;
mod inspect;
mod mov;
mod own_queues;
mod permissions;
mod publish;

use serde_json::Value;
use testkit::{Finished, ProcessBuilder, Vhost};

use crate::test_bed::LONG;

/// A command of the component's program, with its arguments separated by spaces.
pub(super) fn command(vhost: &Vhost, arguments: &str) -> ProcessBuilder {
    arguments.split(' ').fold(ProcessBuilder::component(vhost), ProcessBuilder::arg)
}

/// Runs a command of the component's program to its end.
#[track_caller]
pub(super) fn run(vhost: &Vhost, arguments: &str) -> Finished {
    command(vhost, arguments).run(LONG)
}

/// Runs a command that must exit with `code`, and returns what it left.
#[track_caller]
pub(super) fn run_with_code(vhost: &Vhost, arguments: &str, code: i32) -> Finished {
    let finished = run(vhost, arguments);
    let Finished { stdout, stderr, .. } = &finished;
    assert_eq!(finished.code, Some(code), "the exit code of `{arguments}`, which printed {stdout}{stderr}");
    finished
}

/// Runs a command that must succeed, with `--json`, and returns the objects that it printed.
#[track_caller]
pub(super) fn run_json(vhost: &Vhost, arguments: &str) -> Vec<Value> {
    objects(&run_with_code(vhost, &format!("{arguments} --json"), 0).stdout)
}

/// The objects of an output, one a line.
#[track_caller]
pub(super) fn objects(stdout: &str) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line}"));
    stdout.lines().map(parse).collect()
}

/// Asserts that a text contains nothing that controls a terminal.
#[track_caller]
pub(super) fn assert_no_control_characters(text: &str) {
    let found = text.chars().find(|each| each.is_control() && *each != '\n');
    assert_eq!(found, None, "a control character is in {text:?}");
}
