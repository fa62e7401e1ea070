//! The broker dies, freezes, or throws the component out, in mid-stream: the same process goes on, and nothing is lost.

use std::time::Duration;

use crate::stage::{HEARD, LONG, REGISTERED, SAID, SOON, Stage, assert_all_came_out, count_numbers, numbered};
use crate::support::{Client, Launch, Node, Process, Proxy, Vhost, wait_until};

/// How many messages are under way in each outage; 50,000 when `VALAWAI_LONG_TESTS` is set.
fn count() -> u64 {
    if std::env::var_os("VALAWAI_LONG_TESTS").is_some() { 50_000 } else { 30_000 }
}

/// The same with a log of what goes wrong only: two lines for each of so many messages would take longer than the messages.
pub(crate) fn quiet(stage: Stage) -> Stage {
    stage.env("LOG_MOV_LEVEL", "ERROR").env("LOG_FILE_LEVEL", "ERROR").env("LOG_CONSOLE_LEVEL", "WARN")
}

fn stage_on(node: &Node) -> Stage {
    quiet(Stage::on(node))
}

/// A component that has echoed some of many messages.
pub(crate) fn in_mid_stream(stage: &Stage) -> Process {
    stage.say_numbers(count());
    let echo = stage.start();
    echo.wait_until("some echoes", SOON, || stage.client.depth(SAID) > 100);
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
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.kill();
    echo.wait_output("reconnecting", SOON);
    node.start_again();
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn the_broker_is_restarted_in_order() {
    let node = Node::start();
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.stop_gracefully();
    node.start_again();
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn the_operator_closes_all_connections() {
    let node = Node::start();
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.close_all_connections();
    echo.wait_output("reconnecting", SOON);
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn the_broker_is_frozen_for_longer_than_two_heartbeats() {
    let node = Node::start();
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.freeze();
    // Not a guess: this is the outage. It ends when it has lasted 15 s, and the component has noticed.
    std::thread::sleep(Duration::from_secs(15));
    echo.wait_output("reconnecting", SOON);
    node.thaw();
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn the_input_queue_is_deleted() {
    let node = Node::start();
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.delete_queue(&stage.vhost, HEARD);
    echo.wait_output("was deleted", SOON);
    // What was in the queue went with it. What comes now is served.
    echo.wait_until("it to hear its queue again", SOON, || stage.client.consumers(HEARD) > 0);
    stage.client.purge(SAID);
    stage.say_numbers(1000);
    echo.wait_until("all that came later", LONG, || {
        let echoed = stage.client.look(SAID).map_or(0, |depth| depth.messages);
        stage.client.depth(HEARD) == 0 && echoed >= 1000
    });
}

#[test]
fn a_memory_alarm_comes_and_goes() {
    let node = Node::start();
    let stage = stage_on(&node);
    let echo = in_mid_stream(&stage);
    node.memory_alarm(true);
    echo.wait_until("the alarm to be felt", SOON, || node.ctl(&["-q", "list_connections", "state"]).contains("block"));
    node.memory_alarm(false);
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn all_packets_are_dropped_for_longer_than_two_heartbeats() {
    let node = Node::start();
    let proxy = Proxy::to(node.port());
    let stage = stage_on(&node).env("RABBITMQ_PORT", proxy.port());
    let echo = in_mid_stream(&stage);
    proxy.swallow(true);
    echo.wait_output("reconnecting", SOON);
    proxy.swallow(false);
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn the_component_is_killed() {
    let stage = stage_on(Node::shared());
    let echo = in_mid_stream(&stage);
    echo.kill();
    let echo = stage.launch().start();
    report(all_comes_out(&echo, &stage.vhost));
}

#[test]
fn one_of_two_replicas_is_killed() {
    let stage = stage_on(Node::shared());
    let other: Launch = stage.launch().clone().elsewhere();
    let other = other.start();
    let echo = in_mid_stream(&stage);
    echo.kill();
    report(all_comes_out(&other, &stage.vhost));
}

#[test]
fn the_registrar_of_two_replicas_is_killed() {
    let stage = stage_on(Node::shared());
    let registrar = in_mid_stream(&stage);
    wait_until("the first to be the registrar", SOON, || stage.client.consumers(REGISTERED) == 1);
    let other: Launch = stage.launch().clone().elsewhere();
    let other = other.start();
    wait_until("the second to hear its queue", SOON, || stage.client.consumers(HEARD) == 2);
    registrar.kill();
    report(all_comes_out(&other, &stage.vhost));
    wait_until("the second to be the registrar", SOON, || stage.client.consumers(REGISTERED) == 1);
}

#[test]
fn the_component_is_stopped_in_order() {
    let stage = stage_on(Node::shared());
    let echo = in_mid_stream(&stage);
    echo.terminate();
    assert_eq!(echo.wait_exit(SOON).code(), Some(0), "{}", echo.output());
    let next = stage.launch().start();
    let duplicates = all_comes_out(&next, &stage.vhost);
    assert_eq!(duplicates, 0, "a component that was stopped in order made duplicates");
    report(duplicates);
}
