//! SIGTERM: the process ends within its grace period, whatever the broker does, and no message is lost.

use std::time::Duration;

use testkit::{Node, Process, ProcessBuilder, Signal};

use crate::test_bed::{INPUT, LONG, OUTPUT, SOON, TestBed, assert_none_lost, count_by_number};

const GRACE: Duration = Duration::from_secs(4);
const COUNT: u64 = 20_000;

/// The tolerance for a busy machine.
const MARGIN: Duration = Duration::from_millis(500);

/// Sends SIGTERM, asserts that the process ends within its grace period, and returns the time it took.
#[track_caller]
fn assert_stops_in_time(component: &Process) -> Duration {
    let exit = component.stop(GRACE + MARGIN);
    assert_eq!(exit.code(), Some(0), "it ended with {:?}: {}", exit.status, component.output());
    assert!(!component.is_healthy(), "the health file was not removed");
    exit.after
}

fn test_bed_on(node: &Node) -> TestBed {
    TestBed::on(node)
        .env("SHUTDOWN_GRACE", GRACE.as_secs())
        .env("LOG_MOV_LEVEL", "ERROR")
        .env("LOG_FILE_LEVEL", "ERROR")
}

/// Starts the component again until the input is empty, asserts that no message is lost, and returns the number of
/// duplicates.
#[track_caller]
fn assert_none_lost_after_restart(node: &Node, test_bed: &TestBed) -> usize {
    let component = test_bed.start();
    // Unacknowledged messages count too: the broker requeues them when it notices that the old connection is dead.
    let is_empty = || {
        let queue = node.queue(&test_bed.vhost, INPUT).expect("the input");
        queue.messages_ready + queue.messages_unacknowledged == 0
    };
    component.wait_until("all replies", LONG, || u64::from(test_bed.client.depth(OUTPUT)) >= COUNT && is_empty());
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(INPUT), 0, "a message with a reply was not acknowledged");
    assert_none_lost(&count_by_number(&test_bed.client.drain(OUTPUT)), COUNT)
}

#[test]
fn an_idle_component_stops_within_two_seconds() {
    let test_bed = test_bed_on(Node::shared());
    let component = test_bed.start();
    test_bed.assert_echoes("hello");
    assert!(assert_stops_in_time(&component) < Duration::from_secs(2), "an idle component took two seconds or more");
}

#[test]
fn under_load_it_stops_in_time_without_duplicates() {
    let node = Node::shared();
    let test_bed = test_bed_on(node);
    let component = test_bed.start_under_load(COUNT);
    assert_stops_in_time(&component);
    assert_eq!(assert_none_lost_after_restart(node, &test_bed), 0, "an orderly stop made duplicates");
}

#[test]
fn while_connecting_it_stops_within_a_second() {
    // A closed port, and one that accepts connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [closed, silent.local_addr().unwrap().port()] {
        let component = ProcessBuilder::component_without_settings()
            .env("RABBITMQ_HOST", "127.0.0.1")
            .env("RABBITMQ_PORT", port)
            .start();
        component.wait_output("starts", SOON);
        let took = assert_stops_in_time(&component);
        assert!(took < Duration::from_millis(900), "it stopped after {took:?}");
    }
}

#[test]
fn while_the_broker_is_frozen_it_stops_in_time() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(COUNT);
    node.freeze();
    assert_stops_in_time(&component);
    node.thaw();
    println!("{} duplicates", assert_none_lost_after_restart(&node, &test_bed));
}

#[test]
fn while_the_broker_is_down_it_stops_in_time() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start();
    test_bed.assert_echoes("hello");
    node.kill();
    component.wait_output("reconnecting", SOON);
    assert_stops_in_time(&component);
}

#[test]
fn during_a_memory_alarm_it_stops_in_time() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(COUNT);
    node.set_memory_alarm(true);
    assert_stops_in_time(&component);
    node.set_memory_alarm(false);
    println!("{} duplicates", assert_none_lost_after_restart(&node, &test_bed));
}

#[test]
fn a_second_signal_ends_it_immediately() {
    let node = Node::start();
    let test_bed = test_bed_on(&node).env("SHUTDOWN_GRACE", 60);
    let component = test_bed.start_under_load(COUNT);
    node.freeze();
    component.signal(Signal::SIGINT);
    component.wait_output("stopping", SOON);
    component.signal(Signal::SIGTERM);
    assert_eq!(component.wait_exit(Duration::from_secs(2)).code(), Some(130));
}
