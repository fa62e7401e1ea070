//! An output queue that is full: the broker nacks what is published to it.

use std::time::Duration;

use serde_json::json;
use testkit::{Mov, Node, Process, wait_until};

use crate::test_bed::{LONG, OUTPUT, SOON, TestBed, assert_none_lost, count_by_number};

/// Starts the component with more messages than its output queue may hold, and waits until replies are nacked.
fn start_with_full_output(test_bed: &TestBed) -> Process {
    let full = json!({"max-length": 10, "overflow": "reject-publish"});
    Node::shared().set_policy(&test_bed.vhost, "full", "publish_message$", &full);
    let component = test_bed.start();
    test_bed.publish_numbered(100);
    component.wait_output("the broker rejects published messages", SOON);
    component
}

/// Receives replies, which makes room for others, until there is one for each of the hundred messages.
fn receive_all(test_bed: &TestBed) {
    let mut received = Vec::new();
    wait_until("a reply to each message", LONG, || {
        received.extend(test_bed.client.receive_up_to(OUTPUT, 10, Duration::from_millis(200)));
        count_by_number(&received).len() == 100
    });
    assert_none_lost(&count_by_number(&received), 100);
}

#[test]
fn no_message_is_lost_while_the_output_is_full() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _component = start_with_full_output(&test_bed);
    receive_all(&test_bed);
}

#[test]
fn while_the_output_stays_full_the_component_is_unhealthy_and_reconnects() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_MOV_LEVEL", "ERROR");
    let _mov = Mov::start(&test_bed.vhost);
    let component = start_with_full_output(&test_bed);
    component.wait_healthy();
    component.wait_output("the broker has accepted no messages for 10s", SOON);
    component.wait_unhealthy(SOON);
    component.wait_output("the broker rejects everything that is published; reconnecting", LONG);
    receive_all(&test_bed);
    component.wait_healthy();
}
