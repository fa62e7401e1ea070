//! A cluster loses a node under load: the component connects to another one, and no message is lost.

use serde_json::Value;
use testkit::{AmqpValue, Client, Cluster, FieldTable, Vhost};

use crate::outages::{count, print_result, wait_all_echoed};
use crate::test_bed::{LONG, OUTPUT, SOON, TestBed, receive_all_numbers};

/// A test bed whose client uses the first node, and whose component prefers the second.
fn test_bed_in(vhost: Vhost) -> TestBed {
    let hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].join(",");
    TestBed::in_vhost(vhost).with_quiet_logs().env("RABBITMQ_HOST", hosts)
}

#[test]
fn with_quorum_queues_losing_the_connected_node_loses_no_message() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).quorum_vhost());
    let component = test_bed.start_under_load(count());
    cluster.node(2).kill();
    component.wait_output("reconnecting", SOON);
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

/// The recipe of docs/scaling.md: the type of queues is the default of the virtual host.
#[test]
fn with_the_default_type_quorum_every_node_has_a_copy_of_each_queue_with_messages() {
    let cluster = Cluster::start();
    let test_bed =
        test_bed_in(cluster.node(1).quorum_vhost()).env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 1).env("MAX_RETRIES", 1);
    let component = test_bed.start();
    test_bed.publish("it fails, waits in a retry queue, and becomes a dead letter");
    test_bed.wait_dead_letters(1, &component);
    let arguments = ["list_queues", "--vhost", &test_bed.vhost.name, "name", "type", "members", "--formatter", "json"];
    let queues: Value = serde_json::from_str(&cluster.node(1).rabbitmqctl(&arguments)).expect("JSON");
    let queues = queues.as_array().expect("a list");
    let with_messages = queues.iter().filter(|queue| {
        let name = queue["name"].as_str().expect("a name");
        // The record of the registration and the questions of operators are needed while their node runs only.
        name.starts_with("valawai/") && !name.ends_with("/identity")
    });
    let (copied, others): (Vec<_>, Vec<_>) = with_messages.partition(|queue| {
        queue["type"] == "quorum" && queue["members"].as_array().is_some_and(|members| members.len() == 3)
    });
    assert!(copied.len() >= 5, "there are only {copied:?}");
    assert!(others.is_empty(), "these have no copy on each node: {others:?}");
}

#[test]
fn with_quorum_queues_losing_their_leader_loses_no_message() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).quorum_vhost());
    let component = test_bed.start_under_load(count());
    cluster.node(1).kill();
    print_result(wait_all_echoed(&component, &test_bed.vhost.at_host("127.0.0.3")));
}

#[test]
fn with_classic_queues_losing_another_node_loses_no_message() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).vhost());
    let component = test_bed.start_under_load(count());
    cluster.node(2).kill();
    component.wait_output("reconnecting", SOON);
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn messages_wait_while_the_node_of_the_output_is_down() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).vhost());
    // The output is on the third node, and the component is connected to the first.
    test_bed.client.delete(OUTPUT);
    let third = Client::connect(&test_bed.vhost.at_host("127.0.0.3"));
    third.declare(OUTPUT);
    let test_bed = test_bed.env("RABBITMQ_HOST", "127.0.0.1");
    let component = test_bed.start();
    test_bed.assert_echoes("before the outage");
    cluster.node(3).kill();
    test_bed.publish_numbered(1_000);
    component.wait_output(&format!("the node of {OUTPUT} is down"), SOON);
    cluster.node(3).start_again();
    receive_all_numbers(&test_bed.client, 1_000);
    assert!(
        !component.output().contains("messages published to it are dropped"),
        "the output was reported as missing: {}",
        component.output()
    );
}

#[test]
#[ignore = "takes more than a minute"]
fn while_a_quorum_queue_has_no_majority_the_component_reconnects() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).vhost()).env("RABBITMQ_HOST", "127.0.0.1");
    test_bed.client.delete(OUTPUT);
    let mut arguments = FieldTable::new();
    arguments.insert("x-queue-type".into(), AmqpValue::LongString("quorum".into()));
    test_bed.client.declare_with(OUTPUT, arguments);
    let component = test_bed.start();
    test_bed.assert_echoes("before the outage");
    cluster.node(2).kill();
    cluster.node(3).kill();
    test_bed.publish_numbered(100);
    component.wait_output("the broker does not confirm what is published; reconnecting", LONG);
    cluster.node(2).start_again();
    cluster.node(3).start_again();
    receive_all_numbers(&test_bed.client, 100);
}

#[test]
fn with_classic_queues_losing_their_node_loses_no_message() {
    let cluster = Cluster::start();
    let test_bed = test_bed_in(cluster.node(1).vhost());
    let component = test_bed.start_under_load(count());
    cluster.node(1).kill();
    component.wait_output("reconnecting", SOON);
    cluster.node(1).start_again();
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}
