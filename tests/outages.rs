//! The broker dies, freezes, or throws the component out, in mid-stream: the same process goes on, and nothing is lost.

use std::time::Duration;

use crate::test_bed::{HEARD, LONG, REGISTERED, SAID, SOON, TestBed, assert_all_came_out, count_numbers, numbered};
use testkit::{Client, Launch, Node, Process, Proxy, Vhost, wait_until};

/// How many messages are under way in each outage; 50,000 when `VALAWAI_LONG_TESTS` is set.
fn count() -> u64 {
    if std::env::var_os("VALAWAI_LONG_TESTS").is_some() { 50_000 } else { 30_000 }
}

/// The same with a log of what goes wrong only: two lines for each of so many messages would take longer than the messages.
pub(crate) fn quiet(test_bed: TestBed) -> TestBed {
    test_bed.env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR").env("LOG_CONSOLE_LEVEL", "WARN")
}

fn test_bed_on(node: &Node) -> TestBed {
    quiet(TestBed::on(node))
}

/// A component that has echoed some of many messages.
pub(crate) fn in_mid_stream(test_bed: &TestBed) -> Process {
    test_bed.say_numbers(count());
    let echo = test_bed.start();
    echo.wait_until("some echoes", SOON, || test_bed.client.depth(SAID) > 100);
    echo
}

/// Waits until everything came out, through a connection of its own because others were broken.
pub(crate) fn all_comes_out(echo: &Process, vhost: &Vhost) -> usize {
    let client = wait_until("the broker to be back", SOON, || Client::try_connect(vhost).ok());
    echo.wait_until("the rest to be echoed", LONG, || {
        client.look(HEARD).is_some_and(|depth| depth.messages == 0)
            && client.look(SAID).is_some_and(|depth| u64::from(depth.messages) >= count())
    });
    let duplicates = assert_all_came_out(&count_numbers(&client.drain(SAID)), count());
    client.publish(HEARD, &numbered(7));
    assert_eq!(client.expect(SAID, 1, SOON)[0].message_id(), Some("7"), "it does not echo any more");
    duplicates
}

/// Tells what an outage cost: with `--nocapture`, a line for a table.
pub(crate) fn report(duplicates: usize) {
    let fault = std::thread::current().name().unwrap_or_default().replace("outages::", "").replace('_', " ");
    println!("| {fault} | {} | 0 | {duplicates} |", count());
}

#[test]
fn the_broker_is_killed() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.kill();
    echo.wait_output("reconnecting", SOON);
    node.start_again();
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn the_broker_is_restarted_in_order() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.stop_gracefully();
    node.start_again();
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn the_operator_closes_all_connections() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.close_all_connections();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn the_broker_is_frozen_for_longer_than_two_heartbeats() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.freeze();
    // Not a guess: this is the outage. It ends when it has lasted 15 s, and the component has noticed.
    std::thread::sleep(Duration::from_secs(15));
    echo.wait_output("reconnecting", SOON);
    node.thaw();
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn the_input_queue_is_deleted() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.delete_queue(&test_bed.vhost, HEARD);
    echo.wait_output("was deleted", SOON);
    // What was in the queue went with it. What comes now is served.
    echo.wait_until("it to hear its queue again", SOON, || test_bed.client.consumers(HEARD) > 0);
    test_bed.client.purge(SAID);
    test_bed.say_numbers(1000);
    echo.wait_until("all that came later", LONG, || {
        let echoed = test_bed.client.look(SAID).map_or(0, |depth| depth.messages);
        test_bed.client.depth(HEARD) == 0 && echoed >= 1000
    });
}

#[test]
fn a_memory_alarm_comes_and_goes() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let echo = in_mid_stream(&test_bed);
    node.memory_alarm(true);
    echo.wait_until("the alarm to be felt", SOON, || node.ctl(&["-q", "list_connections", "state"]).contains("block"));
    node.memory_alarm(false);
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn all_packets_are_dropped_for_longer_than_two_heartbeats() {
    let node = Node::start();
    let proxy = Proxy::to(node.port());
    let test_bed = test_bed_on(&node).env("RABBITMQ_PORT", proxy.port());
    let echo = in_mid_stream(&test_bed);
    proxy.swallow(true);
    echo.wait_output("reconnecting", SOON);
    proxy.swallow(false);
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn the_component_is_killed() {
    let test_bed = test_bed_on(Node::shared());
    let echo = in_mid_stream(&test_bed);
    echo.kill();
    let echo = test_bed.launch().start();
    report(all_comes_out(&echo, &test_bed.vhost));
}

#[test]
fn one_of_two_replicas_is_killed() {
    let test_bed = test_bed_on(Node::shared());
    let other: Launch = test_bed.launch().clone().elsewhere();
    let other = other.start();
    let echo = in_mid_stream(&test_bed);
    echo.kill();
    report(all_comes_out(&other, &test_bed.vhost));
}

#[test]
fn the_registrar_of_two_replicas_is_killed() {
    let test_bed = test_bed_on(Node::shared());
    let registrar = in_mid_stream(&test_bed);
    wait_until("the first to be the registrar", SOON, || test_bed.client.consumers(REGISTERED) == 1);
    let other: Launch = test_bed.launch().clone().elsewhere();
    let other = other.start();
    wait_until("the second to hear its queue", SOON, || test_bed.client.consumers(HEARD) == 2);
    registrar.kill();
    report(all_comes_out(&other, &test_bed.vhost));
    wait_until("the second to be the registrar", SOON, || test_bed.client.consumers(REGISTERED) == 1);
}

#[test]
fn the_component_is_stopped_in_order() {
    let test_bed = test_bed_on(Node::shared());
    let echo = in_mid_stream(&test_bed);
    echo.terminate();
    assert_eq!(echo.wait_exit(SOON).code(), Some(0), "{}", echo.output());
    let next = test_bed.launch().start();
    let duplicates = all_comes_out(&next, &test_bed.vhost);
    assert_eq!(duplicates, 0, "a component that was stopped in order made duplicates");
    report(duplicates);
}
