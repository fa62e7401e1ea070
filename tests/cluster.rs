//! A broker of three nodes loses one in mid-stream: the component finds another, and nothing is lost.

use crate::outages::{all_comes_out, in_mid_stream, quiet, report};
use crate::test_bed::{LONG, SAID, SOON, TestBed, assert_all_came_out, count_numbers};
use testkit::{Client, Cluster, Vhost};

/// The test talks to the first node, the component to the second as long as it can.
fn stage_at(vhost: Vhost) -> TestBed {
    let others_first = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].join(",");
    quiet(TestBed::at(vhost)).env("RABBITMQ_HOST", others_first)
}

#[test]
fn quorum_queues_lose_the_node_that_the_component_is_connected_to() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).quorum_vhost());
    let echo = in_mid_stream(&test_bed);
    cluster.node(2).kill();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn quorum_queues_lose_their_leader() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).quorum_vhost());
    let echo = in_mid_stream(&test_bed);
    cluster.node(1).kill();
    report(all_comes_out(&echo, &test_bed.vhost.on("127.0.0.3")));
}

#[test]
fn classic_queues_lose_a_node_that_is_not_theirs() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).vhost());
    let echo = in_mid_stream(&test_bed);
    cluster.node(2).kill();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn an_output_whose_node_is_down_is_waited_for() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).vhost());
    // The output is at home on the third node, where the component is not.
    test_bed.client.delete(SAID);
    let third = Client::connect(&test_bed.vhost.on("127.0.0.3"));
    third.declare(SAID);
    let test_bed = test_bed.env("RABBITMQ_HOST", "127.0.0.1");
    let echo = test_bed.start();
    test_bed.assert_echoes("the output is there");
    cluster.node(3).kill();
    test_bed.say_numbers(1_000);
    echo.wait_output(&format!("the node of {SAID} is away"), SOON);
    cluster.node(3).start_again();
    echo.wait_until("all to be echoed", LONG, || {
        test_bed.client.look(SAID).is_some_and(|depth| depth.messages >= 1_000)
    });
    assert_all_came_out(&count_numbers(&test_bed.client.drain(SAID)), 1_000);
    let lost = echo.output().lines().filter(|line| line.contains("nobody listens")).count();
    assert_eq!(lost, 0, "it was taken for an output that nobody listens to: {}", echo.output());
}

#[test]
#[ignore = "takes more than a minute"]
fn a_quorum_queue_without_a_majority_does_not_keep_the_session_for_ever() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).vhost()).env("RABBITMQ_HOST", "127.0.0.1");
    test_bed.client.delete(SAID);
    let mut arguments = testkit::FieldTable::new();
    arguments.insert("x-queue-type".into(), testkit::AmqpValue::LongString("quorum".into()));
    test_bed.client.declare_with(SAID, arguments);
    let echo = test_bed.start();
    test_bed.assert_echoes("there is a majority");
    cluster.node(2).kill();
    cluster.node(3).kill();
    test_bed.say_numbers(100);
    echo.wait_output("the broker does not confirm what is said; reconnecting", LONG);
    cluster.node(2).start_again();
    cluster.node(3).start_again();
    echo.wait_until("all to be echoed", LONG, || test_bed.client.look(SAID).is_some_and(|depth| depth.messages >= 100));
    assert_all_came_out(&count_numbers(&test_bed.client.drain(SAID)), 100);
}

#[test]
fn classic_queues_wait_for_their_node() {
    let cluster = Cluster::start();
    let test_bed = stage_at(cluster.node(1).vhost());
    let echo = in_mid_stream(&test_bed);
    cluster.node(1).kill();
    echo.wait_output("reconnecting", SOON);
    cluster.node(1).start_again();
    report(all_comes_out(&echo, &test_bed.vhost));
}
