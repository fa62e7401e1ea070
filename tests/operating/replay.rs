//! `dead-letters replay`: to where they came from, and none is lost.

use serde_json::json;
use testkit::{AmqpValue, FieldTable, Finished, Message, Node, Signal};

use super::{command, dead_letter, drain_ids, publish_dead_letters, run_json, run_with_code, wait_depth};
use crate::test_bed::{DEAD_LETTERS, INPUT, LONG, OUTPUT, SOON, TestBed, numbered_message};

const OTHER: &str = "valawai/c1/echo_example_with_rust_and_amiquip/data/other";

#[test]
fn dead_letters_are_processed_after_the_cause_is_removed() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let failing = test_bed.builder().clone().env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1).env("MAX_RETRIES", 0).start();
    test_bed.publish_numbered(20);
    test_bed.wait_dead_letters(20, &failing);
    assert_eq!(failing.stop(SOON).code(), Some(0));

    let _component = test_bed.start();
    let report = run_json(&test_bed.vhost, "dead-letters replay --yes");
    assert_eq!(report, [json!({"queue": DEAD_LETTERS, "moved": 20, "to": {INPUT: 20}, "left": {}, "unconfirmed": 0})]);
    let replies = test_bed.client.receive(OUTPUT, 20, SOON);
    let ids: Vec<_> = replies.iter().filter_map(|reply| reply.message_id()).collect();
    assert_eq!(ids, (0..20).map(|number| number.to_string()).collect::<Vec<_>>(), "the order was not kept");
    wait_depth(&test_bed, DEAD_LETTERS, 0);
}

#[test]
fn a_message_that_dies_again_is_not_replayed_again() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "OFF");
    let component = test_bed.start();
    for number in 0..50 {
        test_bed.client.publish(INPUT, &Message::bare("{}").message_id(number.to_string()));
    }
    test_bed.wait_dead_letters(50, &component);
    let report = run_json(&test_bed.vhost, "dead-letters replay --yes");
    assert_eq!(report[0]["moved"], 50, "{report:?}");
    wait_depth(&test_bed, DEAD_LETTERS, 50);
}

#[test]
fn attempts_start_over_unless_they_are_kept_and_everything_else_is_kept() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare(DEAD_LETTERS);
    for arguments in ["dead-letters replay --yes", "dead-letters replay --yes --keep-attempts"] {
        let letter = dead_letter(7).header("kept", "unchanged").correlation_id("q-1").content_type("text/plain");
        test_bed.client.publish(DEAD_LETTERS, &letter);
        run_with_code(&test_bed.vhost, arguments, 0);
        let message = test_bed.client.get(INPUT).expect("the replayed message");
        let attempts = message.text_header("x-attempts");
        assert_eq!(attempts, arguments.contains("keep").then_some("6"), "the attempts after `{arguments}`");
        for gone in ["x-error", "x-failed-at", "x-original-queue"] {
            assert_eq!(message.header(gone), None, "{gone} after `{arguments}`");
        }
        assert_eq!((message.message_id(), message.correlation_id()), (Some("7"), Some("q-1")));
        assert_eq!((message.text_header("kept"), message.content_type()), (Some("unchanged"), Some("text/plain")));
        assert_eq!(message.json(), json!({"content": "7"}));
        assert!(message.is_persistent(), "the message is not persistent");
    }
}

#[test]
fn a_message_goes_to_where_the_broker_says_that_it_died() {
    let test_bed = TestBed::on(Node::shared());
    let arguments = [("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", DEAD_LETTERS)];
    let arguments = arguments.map(|(name, text)| (name.to_owned(), AmqpValue::LongString(text.to_owned())));
    test_bed.client.declare_with(OTHER, FieldTable::from(arguments));
    test_bed.client.declare(DEAD_LETTERS);
    test_bed.client.publish(OTHER, &numbered_message(1).expiration(1));
    wait_depth(&test_bed, DEAD_LETTERS, 1);
    let report = run_json(&test_bed.vhost, "dead-letters replay --yes");
    assert_eq!(report[0]["to"], json!({OTHER: 1}), "{report:?}");
    let message = test_bed.client.get(OTHER).expect("the replayed message, which must not expire again");
    assert_eq!(message.header("x-death"), None, "the count of deaths was kept");
}

#[test]
fn a_message_of_unknown_origin_or_from_this_queue_is_left_until_a_queue_is_named() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare(DEAD_LETTERS);
    test_bed.client.publish(DEAD_LETTERS, &numbered_message(0));
    test_bed.client.publish(DEAD_LETTERS, &dead_letter(1).header("x-original-queue", DEAD_LETTERS));
    test_bed.client.publish(DEAD_LETTERS, &dead_letter(2).header("x-original-queue", "valawai/component/register"));
    test_bed.client.publish(DEAD_LETTERS, &dead_letter(3));
    let finished = run_with_code(&test_bed.vhost, "dead-letters replay --yes", 1);
    for expected in [
        "moved 1 of 4",
        "1  left, without a header",
        "2  left, from this queue or from another component",
        "--to QUEUE",
    ] {
        assert!(finished.stdout.contains(expected), "{expected} is not in {finished:?}");
    }
    wait_depth(&test_bed, DEAD_LETTERS, 3);
    assert_eq!(drain_ids(&test_bed, INPUT), [3]);
    run_with_code(&test_bed.vhost, "dead-letters replay --yes --to data/received_message", 0);
    assert_eq!(drain_ids(&test_bed, INPUT), [0, 1, 2], "the order has changed");
    wait_depth(&test_bed, DEAD_LETTERS, 0);
}

#[test]
fn messages_whose_queue_does_not_exist_are_left_and_the_queue_is_not_created() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare(DEAD_LETTERS);
    for number in 0..10 {
        let origin = if number % 2 == 0 { INPUT } else { OTHER };
        test_bed.client.publish(DEAD_LETTERS, &dead_letter(number).header("x-original-queue", origin));
    }
    let finished = run_with_code(&test_bed.vhost, "dead-letters replay --yes", 1);
    assert!(finished.stdout.contains("5  left, whose queue does not exist"), "{finished:?}");
    assert_eq!(test_bed.client.queue_info(OTHER), None, "the missing queue was created");
    wait_depth(&test_bed, DEAD_LETTERS, 5);
    assert_eq!(drain_ids(&test_bed, INPUT), [0, 2, 4, 6, 8]);
    assert_eq!(drain_ids(&test_bed, DEAD_LETTERS), [1, 3, 5, 7, 9]);
}

#[test]
fn messages_that_their_queue_rejects_are_left() {
    let test_bed = TestBed::on(Node::shared());
    let arguments =
        [("x-max-length", AmqpValue::LongInt(3)), ("x-overflow", AmqpValue::LongString("reject-publish".into()))];
    test_bed.client.declare_with(OTHER, arguments.map(|(name, value)| (name.to_owned(), value)).into());
    publish_dead_letters(&test_bed, 10);
    let finished = run_with_code(&test_bed.vhost, "dead-letters replay --yes --to data/other", 1);
    assert!(finished.stdout.contains("left, rejected by the broker"), "{finished:?}");
    let (moved, left) = (test_bed.client.depth(OTHER), test_bed.client.depth(DEAD_LETTERS));
    assert!(moved >= 3 && moved + left == 10, "{moved} were moved, {left} left");
}

#[test]
fn a_condition_a_count_and_a_rate_limit_what_is_replayed() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 40);
    run_with_code(&test_bed.vhost, "dead-letters replay --yes --where header:x-error~=1 --count 5", 0);
    assert_eq!(drain_ids(&test_bed, INPUT), [1, 3, 5, 7, 9]);
    wait_depth(&test_bed, DEAD_LETTERS, 35);
    let Finished { after, .. } = run_with_code(&test_bed.vhost, "dead-letters replay --yes --count 11 --rate 10", 0);
    assert!((1.0..10.0).contains(&after.as_secs_f64()), "eleven messages at ten a second took {after:?}");
    assert_eq!(drain_ids(&test_bed, INPUT).len(), 11);
    wait_depth(&test_bed, DEAD_LETTERS, 24);
    let rest = drain_ids(&test_bed, DEAD_LETTERS);
    assert!(rest.is_sorted(), "those that were left have changed their order: {rest:?}");
}

#[test]
fn without_a_terminal_nothing_is_moved_unless_it_is_confirmed() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    let finished = run_with_code(&test_bed.vhost, "dead-letters replay", 64);
    assert!(finished.stderr.contains("moves 5 messages") && finished.stderr.contains("--yes"), "{finished:?}");
    let planned = run_json(&test_bed.vhost, "dead-letters replay --dry-run");
    assert_eq!(planned[0], json!({"message_id": "0", "exchange": "", "key": INPUT}));
    assert_eq!(planned.len(), 5);
    wait_depth(&test_bed, DEAD_LETTERS, 5);
    assert_eq!(test_bed.client.depth(INPUT), 0, "something was moved");
}

#[test]
fn with_follow_later_dead_letters_are_replayed_once() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "OFF");
    let component = test_bed.start();
    publish_dead_letters(&test_bed, 5);
    let process = command(&test_bed.vhost, "dead-letters replay received_message --yes --follow").start();
    let receive = |count| test_bed.client.receive(OUTPUT, count, SOON).len();
    assert_eq!(receive(5), 5);
    // It comes back to the dead letters, and stays there.
    test_bed.client.publish(DEAD_LETTERS, &Message::bare("{}").message_id("bad").header("x-original-queue", INPUT));
    test_bed.client.publish(DEAD_LETTERS, &dead_letter(100));
    assert_eq!(receive(1), 1);
    component.wait_output("Cannot process", SOON);
    component.wait_until("the command to receive it again", SOON, || {
        Node::shared().queue(&test_bed.vhost, DEAD_LETTERS).is_some_and(|queue| queue.messages_unacknowledged == 1)
    });
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait_exit(SOON).code(), Some(130), "{}", process.output());
    assert!(process.output().contains("moved 7 of 7"), "it did not say what was done: {}", process.output());
    wait_depth(&test_bed, DEAD_LETTERS, 1);
}

#[test]
fn dead_letters_of_a_quorum_queue_are_replayed_in_their_order() {
    let test_bed = TestBed::in_vhost(Node::shared().quorum_vhost());
    publish_dead_letters(&test_bed, 20_000);
    run_with_code(&test_bed.vhost, "dead-letters replay --yes --where content!=500", 0);
    let received = test_bed.client.receive(INPUT, 19_999, LONG);
    let ids = received.iter().filter_map(|message| message.message_id()?.parse::<u64>().ok());
    let expected = (0..20_000).filter(|number| *number != 500);
    let first_difference = ids.zip(expected).find(|(id, expected)| id != expected);
    assert_eq!(first_difference, None, "the order has changed");
    wait_depth(&test_bed, DEAD_LETTERS, 1);
}

#[test]
fn large_messages_are_replayed() {
    const SIZE: usize = 16 * 1024 * 1024;
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.declare(DEAD_LETTERS);
    for _ in 0..6 {
        let large = Message::bare(vec![b'x'; SIZE]).header("x-original-queue", INPUT);
        test_bed.client.publish(DEAD_LETTERS, &large);
    }
    let process = command(&test_bed.vhost, "dead-letters replay --yes").start();
    process.wait_until("all messages to arrive", SOON, || test_bed.client.depth(INPUT) == 6);
    assert_eq!(process.wait_exit(SOON).code(), Some(0), "{}", process.output());
    assert_eq!(test_bed.client.get(INPUT).expect("a message").body.len(), SIZE);
}

#[test]
fn permissions_to_read_the_dead_letters_and_to_write_to_the_default_exchange_suffice() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    publish_dead_letters(&test_bed, 10);
    let vhost = &test_bed.vhost;
    let permit = |write: &str, read: &str| {
        node.rabbitmqctl(&["set_permissions", "-p", &vhost.name, &vhost.username, "^$", write, read]);
    };
    permit("^$", "^valawai/.*/(dead_letter|retry)/");
    for arguments in
        ["dead-letters", "dead-letters show", "dead-letters replay --dry-run", &format!("inspect {DEAD_LETTERS}")]
    {
        run_with_code(vhost, arguments, 0);
    }
    permit("^$", "^$");
    let refused = run_with_code(vhost, "dead-letters show", 1);
    assert!(refused.stderr.contains("refused") && refused.stderr.contains("dead_letter"), "{refused:?}");
    permit("^amq\\.default$", "^valawai/.*/dead_letter/");
    run_with_code(vhost, "dead-letters replay --yes", 0);
    permit("^$", "^valawai/");
    wait_depth(&test_bed, INPUT, 10);
}
