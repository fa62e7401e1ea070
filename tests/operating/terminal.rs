//! What people see on a terminal: questions, colour, progress.

use testkit::{Finished, Node};

use super::{command, publish_dead_letters, wait_depth};
use crate::test_bed::{DEAD_LETTERS, INPUT, SOON, TestBed};

/// Runs a command on a terminal where somebody types `input`. Both outputs arrive as one.
fn run_on_terminal(test_bed: &TestBed, arguments: &str, input: &str) -> Finished {
    command(&test_bed.vhost, arguments)
        .env("TERM", "xterm")
        .env("SHELL", "/bin/sh")
        .on_terminal()
        .input(input)
        .run(SOON)
}

#[test]
fn on_a_terminal_it_asks_before_messages_are_moved() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    for (input, code, left) in [("n\n", 1, 5), ("\n", 1, 5), ("y\n", 0, 0)] {
        let finished = run_on_terminal(&test_bed, "dead-letters replay", input);
        assert_eq!(finished.code, Some(code), "after {input:?}: {finished:?}");
        assert!(finished.stdout.contains("moves 5 messages") && finished.stdout.contains("[y/N]"), "{finished:?}");
        assert_eq!(finished.stdout.contains("nothing was done"), left > 0, "after {input:?}: {finished:?}");
        wait_depth(&test_bed, DEAD_LETTERS, left);
    }
}

#[test]
fn there_is_colour_on_a_terminal_unless_it_is_not_wanted() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    let finished = run_on_terminal(&test_bed, "dead-letters", "");
    assert!(finished.stdout.contains("\u{1b}[31m"), "no colour in {finished:?}");
    let plain =
        command(&test_bed.vhost, "dead-letters").env("NO_COLOR", 1).env("TERM", "xterm").on_terminal().run(SOON);
    assert!(plain.stdout.contains("error 0") && !plain.stdout.contains('\u{1b}'), "colour in {plain:?}");
}

#[test]
fn what_takes_longer_than_a_second_shows_its_progress_on_a_terminal() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 300);
    let slow = run_on_terminal(&test_bed, "dead-letters replay --yes --count 250 --rate 100", "");
    assert!(slow.stdout.contains("/300") && slow.stdout.contains("/s"), "no progress bar in {slow:?}");
    let quick = run_on_terminal(&test_bed, "dead-letters replay --yes", "");
    assert!(!quick.stdout.contains("/s"), "a progress bar in {quick:?}");
    wait_depth(&test_bed, INPUT, 300);
}
