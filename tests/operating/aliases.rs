//! `resurrect` and `requeue`: the arguments of the tools that they replace.

use testkit::Node;

use super::{drain_ids, publish_dead_letters, run_with_code, wait_depth};
use crate::test_bed::{DEAD_LETTERS, INPUT, TestBed, numbered_message};

#[test]
fn resurrect_publishes_the_messages_of_any_queue_to_where_they_came_from() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    run_with_code(&test_bed.vhost, &format!("resurrect {DEAD_LETTERS} --yes"), 0);
    assert_eq!(drain_ids(&test_bed, INPUT), [0, 1, 2, 3, 4]);
    let empty = run_with_code(&test_bed.vhost, &format!("resurrect {DEAD_LETTERS} --yes"), 0);
    assert!(empty.stderr.contains("is empty"), "{empty:?}");
    let missing = run_with_code(&test_bed.vhost, "resurrect nowhere --yes", 1);
    assert!(missing.stderr.contains("does not exist"), "{missing:?}");
    assert_eq!(test_bed.client.queue_info("nowhere"), None, "the queue was created");
}

#[test]
fn requeue_takes_the_arguments_of_its_model() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare("target");
    for arguments in [
        format!("requeue --consuming-queue {DEAD_LETTERS} --retry-routing-key target --yes"),
        format!("requeue -cq {DEAD_LETTERS} -rrk target -mr 6 -rttl 5000 -wtr 0.1 -o acme -s registration --yes"),
    ] {
        publish_dead_letters(&test_bed, 5);
        run_with_code(&test_bed.vhost, &arguments, 0);
        assert_eq!(drain_ids(&test_bed, "target"), [0, 1, 2, 3, 4], "after `{arguments}`");
        wait_depth(&test_bed, DEAD_LETTERS, 0);
    }
}

#[test]
fn requeue_leaves_messages_with_too_many_attempts() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 2);
    test_bed.client.publish(DEAD_LETTERS, &numbered_message(2).header("x-original-queue", INPUT));
    run_with_code(&test_bed.vhost, &format!("requeue -cq {DEAD_LETTERS} -mr 5 --yes"), 0);
    assert_eq!(drain_ids(&test_bed, INPUT), [2]);
    wait_depth(&test_bed, DEAD_LETTERS, 2);
}

#[test]
fn requeue_publishes_to_an_exchange_with_a_key_or_with_their_own_keys() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare("bound");
    let channel = test_bed.client.channel();
    channel.queue_bind("bound", "amq.topic", "retry.#", testkit::FieldTable::new()).expect("bind the queue");
    publish_dead_letters(&test_bed, 3);
    let requeue = format!("requeue --consuming-queue {DEAD_LETTERS} --retry-exchange-name amq.topic --yes");
    let unroutable = run_with_code(&test_bed.vhost, &requeue, 1);
    assert!(unroutable.stdout.contains("whose queue does not exist"), "{unroutable:?}");
    wait_depth(&test_bed, DEAD_LETTERS, 3);
    run_with_code(&test_bed.vhost, &format!("{requeue} --retry-routing-key retry.now"), 0);
    assert_eq!(drain_ids(&test_bed, "bound"), [0, 1, 2]);
}

#[test]
fn a_missing_argument_is_a_usage_error() {
    let test_bed = TestBed::on(Node::shared());
    let finished = run_with_code(&test_bed.vhost, "requeue --yes", 64);
    assert!(finished.stderr.contains("--consuming-queue"), "{finished:?}");
    run_with_code(&test_bed.vhost, "resurrect", 64);
}
