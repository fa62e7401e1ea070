//! SIGTERM, whatever the broker does: the process ends in time, and nothing is lost.

use std::time::{Duration, Instant};

use testkit::Signal;

use crate::test_bed::{HEARD, LONG, SAID, SOON, TestBed, assert_all_came_out, count_numbers};
use testkit::{Client, Launch, Node, Process};

const GRACE: Duration = Duration::from_secs(4);
const COUNT: u64 = 20_000;

/// What a busy machine may add to it.
const MARGIN: Duration = Duration::from_millis(500);

/// Sends SIGTERM, and asserts that the process ends within its grace.
fn stops_in_time(echo: &Process) -> Duration {
    let exit = echo.stop(GRACE + MARGIN);
    assert_eq!(exit.code(), Some(0), "it ended with {:?}: {}", exit.status, echo.output());
    assert!(!echo.is_healthy(), "it left its health file");
    exit.after
}

fn test_bed_on(node: &Node) -> TestBed {
    TestBed::on(node)
        .env("SHUTDOWN_GRACE", GRACE.as_secs())
        .env("LOG_MOV_LEVEL", "ERROR")
        .env("LOG_FILE_LEVEL", "ERROR")
}

/// Runs the component again until the input is empty, and asserts that all messages came out.
fn nothing_was_lost(node: &Node, test_bed: &TestBed) -> usize {
    let echo = test_bed.start();
    // What a connection that died has in hand comes back when the broker has noticed, so it counts too.
    let is_empty = || {
        let left = node.queue(&test_bed.vhost, HEARD).expect("the input");
        left.messages_ready + left.messages_unacknowledged == 0
    };
    echo.wait_until("the rest to be echoed", LONG, || u64::from(test_bed.client.depth(SAID)) >= COUNT && is_empty());
    assert_eq!(echo.stop(SOON).code(), Some(0));
    assert_eq!(test_bed.client.depth(HEARD), 0, "something answered was not acknowledged");
    assert_all_came_out(&count_numbers(&test_bed.client.drain(SAID)), COUNT)
}

#[test]
fn when_it_is_idle() {
    let test_bed = test_bed_on(Node::shared());
    let echo = test_bed.start();
    test_bed.assert_echoes("hello");
    assert!(stops_in_time(&echo) < Duration::from_secs(2), "an idle component took its time to stop");
}

#[test]
fn under_load() {
    let node = Node::shared();
    let test_bed = test_bed_on(node);
    test_bed.say_numbers(COUNT);
    let echo = test_bed.start();
    echo.wait_until("some echoes", SOON, || test_bed.client.depth(SAID) > 100);
    stops_in_time(&echo);
    assert_eq!(nothing_was_lost(node, &test_bed), 0, "a component that was stopped in order made duplicates");
}

#[test]
fn while_it_connects() {
    // A port where nobody listens, and one where somebody listens and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for port in [closed, silent.local_addr().unwrap().port()] {
        let echo = Launch::bare_component().env("RABBITMQ_HOST", "127.0.0.1").env("RABBITMQ_PORT", port).start();
        echo.wait_output("starts", SOON);
        let took = stops_in_time(&echo);
        assert!(took < Duration::from_millis(900), "it took {took:?} to give up connecting");
    }
}

#[test]
fn while_the_broker_is_frozen() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.say_numbers(COUNT);
    let echo = test_bed.start();
    echo.wait_until("some echoes", SOON, || test_bed.client.depth(SAID) > 100);
    node.freeze();
    stops_in_time(&echo);
    node.thaw();
    println!("{} duplicates", nothing_was_lost(&node, &test_bed));
}

#[test]
fn while_the_broker_is_dead() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = test_bed.start();
    test_bed.assert_echoes("hello");
    node.kill();
    echo.wait_output("reconnecting", SOON);
    stops_in_time(&echo);
}

#[test]
fn while_the_broker_takes_no_messages() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    test_bed.say_numbers(COUNT);
    let echo = test_bed.start();
    echo.wait_until("some echoes", SOON, || test_bed.client.depth(SAID) > 100);
    node.memory_alarm(true);
    stops_in_time(&echo);
    node.memory_alarm(false);
    println!("{} duplicates", nothing_was_lost(&node, &test_bed));
}

#[test]
fn at_once_after_a_second_signal() {
    let node = Node::start();
    let test_bed = test_bed_on(&node).env("SHUTDOWN_GRACE", 60);
    test_bed.say_numbers(COUNT);
    let echo = test_bed.start();
    echo.wait_until("some echoes", SOON, || test_bed.client.depth(SAID) > 100);
    node.freeze();
    echo.signal(Signal::SIGINT);
    echo.wait_output("stopping", SOON);
    let began = Instant::now();
    echo.signal(Signal::SIGTERM);
    assert_eq!(echo.wait_exit(Duration::from_secs(2)).code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(2));
    node.thaw();
    let client = Client::connect(&test_bed.vhost);
    testkit::wait_until("the broker to notice", SOON, || client.consumers(HEARD) == 0);
}
