//! Sources as processes: what was confirmed to them is not lost, and what was not is reported.

use serde_json::{Value, json};
use testkit::{Client, Node, Received, wait_until};

use crate::scene::{READING, start};
use crate::test_bed::{LONG, SOON};

#[test]
fn nothing_that_was_confirmed_to_a_source_is_lost_when_the_broker_is_killed() {
    let node = Node::start();
    let vhost = node.vhost();
    Client::connect(&vhost).declare(READING);
    let thermometer = start(&vhost, "c0_thermometer");
    wait_until("readings", SOON, || Client::connect(&vhost).depth(READING) > 5);
    node.kill();
    node.start_again();
    let client = Client::connect(&vhost);
    let before = client.depth(READING);
    wait_until("readings after the restart", LONG, || client.depth(READING) > before + 5);
    assert_eq!(thermometer.stop(SOON).code(), Some(0));
    let mut readings: Vec<u64> =
        client.drain(READING).iter().map(Received::json).map(|reading| half_degrees(&reading)).collect();
    readings.dedup();
    let expected: Vec<u64> = (32..56).cycle().take(readings.len()).collect();
    assert_eq!(readings, expected, "a reading is missing");
}

#[test]
fn what_was_not_confirmed_when_it_stops_without_a_broker_is_reported_once() {
    let node = Node::start();
    let vhost = node.vhost();
    let client = Client::connect(&vhost);
    client.declare(READING);
    node.set_policy(&vhost, "full", READING, &json!({ "max-length": 1, "overflow": "reject-publish" }));
    let thermometer = start(&vhost, "c0_thermometer");
    thermometer.wait_output("the broker rejects messages on data/reading", SOON);
    node.kill();
    thermometer.wait_output("reconnecting", SOON);
    assert_eq!(thermometer.stop(SOON).code(), Some(0));
    let output = thermometer.output();
    assert_eq!(output.matches("1 messages for data/reading were not confirmed in time").count(), 1, "{output}");
    assert!(!output.contains("is still running"), "the source was not released: {output}");
}

/// The thermometer repeats the half degrees from 32 to 55.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "temperatures are small and positive")]
pub(crate) fn half_degrees(reading: &Value) -> u64 {
    (reading["celsius"].as_f64().expect("a number") * 2.0) as u64
}
