//! `dead-letters replay` while something fails: none is lost.

use std::collections::BTreeMap;

use testkit::{Node, poll, wait_until};

use super::{command, drain_ids, publish_dead_letters, run_with_code, wait_depth};
use crate::test_bed::{DEAD_LETTERS, INPUT, LONG, SOON, TestBed};

#[test]
fn a_broker_that_freezes_during_a_replay_ends_it_and_nothing_is_lost() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    publish_dead_letters(&test_bed, 20_000);
    let process = command(&test_bed.vhost, "dead-letters replay --yes --rate 2000").start();
    wait_until("the first messages", SOON, || test_bed.client.depth(INPUT) > 100);
    node.freeze();
    let exit = process.wait_exit(LONG);
    assert!(matches!(exit.code(), Some(69 | 75)), "it exited with {:?}: {}", exit.code(), process.output());
    assert!(process.output().contains("moved "), "it did not say what was done: {}", process.output());
    node.thaw();
    assert_all_there(&test_bed, 20_000);
}

#[test]
fn nothing_is_lost_although_the_command_is_killed_five_times_and_the_broker_once() {
    const COUNT: u64 = 50_000;
    let node = Node::start();
    let mut test_bed = TestBed::on(&node);
    publish_dead_letters(&test_bed, COUNT);
    for round in 0..6 {
        wait_until_requeued(&node, &test_bed);
        let before = test_bed.client.depth(INPUT);
        // `Node::kill` takes a second, in which a replay at full speed would end.
        let replay = if round == 2 { "dead-letters replay --yes --rate 4000" } else { "dead-letters replay --yes" };
        let process = command(&test_bed.vhost, replay).start();
        process.wait_until("messages to be moved", LONG, || test_bed.client.depth(INPUT) > before + 500);
        if round == 2 {
            node.kill();
            assert_eq!(process.wait_exit(SOON).code(), Some(69), "{}", process.output());
            node.start_again();
            test_bed = TestBed::in_vhost(test_bed.vhost);
        } else {
            assert!(process.is_running(), "it ended before it was killed: {}", process.output());
            process.kill();
        }
    }
    wait_until_requeued(&node, &test_bed);
    run_with_code(&test_bed.vhost, "dead-letters replay --yes", 0);
    wait_depth(&test_bed, DEAD_LETTERS, 0);
    assert_all_there(&test_bed, COUNT);
}

#[test]
fn a_broker_in_an_alarm_is_told_and_nothing_is_lost() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    publish_dead_letters(&test_bed, 100);
    node.set_memory_alarm(true);
    let finished = run_with_code(&test_bed.vhost, "dead-letters replay --yes", 75);
    // The broker has read none of what was published, and it still reads acknowledgements.
    wait_depth(&test_bed, DEAD_LETTERS, 100);
    node.set_memory_alarm(false);
    assert!(finished.stderr.contains("it is in an alarm"), "{finished:?}");
    assert!(finished.stdout.contains("moved 0 of 100"), "{finished:?}");
    assert_all_there(&test_bed, 100);
}

/// Waits until the broker has requeued what a killed process had not acknowledged.
#[track_caller]
fn wait_until_requeued(node: &Node, test_bed: &TestBed) {
    wait_until("the broker to requeue what was not acknowledged", LONG, || {
        node.queue(&test_bed.vhost, DEAD_LETTERS).is_some_and(|queue| queue.messages_unacknowledged == 0)
    });
}

/// Asserts that each number below `count` is in the input or in the dead letters.
#[track_caller]
fn assert_all_there(test_bed: &TestBed, count: u64) {
    let test_bed = TestBed::without_output_queue(test_bed.vhost.clone());
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    // What the process had not settled may still be on its way back.
    poll(LONG, || {
        for queue in [INPUT, DEAD_LETTERS] {
            for number in drain_ids(&test_bed, queue) {
                *counts.entry(number).or_default() += 1;
            }
        }
        (0..count).all(|number| counts.contains_key(&number))
    });
    let duplicates = crate::test_bed::assert_none_lost(&counts, count);
    println!("{duplicates} duplicates of {count} messages");
}
