//! A filter with a state, on a broker that refuses its replies, is killed, and while it is killed itself.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use testkit::{Client, Message, Node, Process, ProcessBuilder, Vhost, wait_until};

use crate::test_bed::{LONG, SOON};

const POSITION: &str = "valawai/c1/changes/data/position";
const CHANGE: &str = "valawai/c1/changes/data/change";

/// How many changes are published in each phase, each of them three times.
const CHANGES: u64 = 5000;

fn publish(client: &Client, phase: u64) {
    let first = phase * CHANGES;
    client.publish_many(POSITION, 3 * CHANGES, |number| {
        Message::json(&json!({ "position": first + number / 3 })).persistent()
    });
}

/// Removes the changes in the queue, and adds them to `seen`.
fn collect(vhost: &Vhost, seen: &mut BTreeSet<u64>) {
    for message in Client::connect(vhost).drain(CHANGE) {
        seen.insert(message.json()["new_position"].as_u64().expect("a number"));
    }
}

fn assert_all(filter: &Process, vhost: &Vhost, seen: &mut BTreeSet<u64>, phase: u64, after: &str) {
    let count = (phase + 1) * CHANGES;
    filter.wait_until(&format!("{count} changes after {after}"), LONG, || {
        collect(vhost, seen);
        seen.len() as u64 == count
    });
    assert_eq!(seen.last(), Some(&(count - 1)));
}

#[test]
fn a_filter_passes_on_every_change_whatever_fails() {
    let node = Node::start();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    client.declare(POSITION);
    client.declare(CHANGE);
    let builder = ProcessBuilder::example("c1_changes", &vhost)
        .env("RABBITMQ_RETRY_SLEEP", "0.2")
        .env("RABBITMQ_HEARTBEAT", 5)
        .env("LOG_MOV_LEVEL", "ERROR");
    let mut filter = builder.start();
    let mut seen = BTreeSet::new();

    // A broker that applies it to a longer queue drops messages.
    node.set_policy(&vhost, "full", "change$", &json!({ "max-length": 100, "overflow": "reject-publish" }));
    publish(&client, 0);
    wait_until("a full queue", SOON, || client.depth(CHANGE) >= 100);
    std::thread::sleep(Duration::from_secs(10));
    node.rabbitmqctl(&["clear_policy", "-p", &vhost.name, "full"]);
    assert_all(&filter, &vhost, &mut seen, 0, "replies were refused for ten seconds");

    publish(&client, 1);
    node.kill();
    node.start_again();
    assert_all(&filter, &vhost, &mut seen, 1, "the broker was killed");

    publish(&Client::connect(&vhost), 2);
    filter.kill();
    filter = builder.start();
    assert_all(&filter, &vhost, &mut seen, 2, "the filter was killed");
    assert_eq!(filter.stop(SOON).code(), Some(0));
}
