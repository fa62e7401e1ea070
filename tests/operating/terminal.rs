//! What people see on a terminal: questions, colour, progress.

use std::io::Write;

use testkit::{Finished, Node, wait_until};

use super::{command, publish_dead_letters, wait_depth, wait_until_it_answers};
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
fn after_ctrl_c_at_a_question_nothing_was_done() {
    const CTRL_C: &[u8] = b"\x03";
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    for arguments in ["dead-letters replay", "dead-letters purge", "clear --force", "control stop"] {
        let terminal = command(&test_bed.vhost, arguments).env("TERM", "xterm").env("SHELL", "/bin/sh").on_terminal();
        let (terminal, mut keyboard) = terminal.typed_input();
        let process = terminal.start();
        process.wait_output("[y/N]", SOON);
        keyboard.write_all(CTRL_C).expect("type Ctrl-C");
        assert_eq!(process.wait_exit(SOON).code(), Some(130), "`{arguments}`: {}", process.output());
        assert!(process.output().contains("nothing was done"), "`{arguments}`: {}", process.output());
    }
    wait_until("all dead letters to be back", SOON, || test_bed.client.depth(DEAD_LETTERS) == 5);
    assert!(component.is_running() && test_bed.client.depth(INPUT) == 0, "something was done");
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
