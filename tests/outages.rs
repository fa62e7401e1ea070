//! Faults under load, of the broker, the network or the component: no message is lost.

use testkit::{Client, Node, Process, Proxy, Vhost, wait_until};

use crate::test_bed::{
    INPUT, LONG, OUTPUT, REGISTERED, SOON, TestBed, count_by_number, numbered_message, receive_all_numbers,
};

/// The number of messages in each test; 50,000 if `VALAWAI_LONG_TESTS` is set.
pub(crate) fn count() -> u64 {
    if std::env::var_os("VALAWAI_LONG_TESTS").is_some() { 50_000 } else { 30_000 }
}

fn test_bed_on(node: &Node) -> TestBed {
    TestBed::on(node).with_quiet_logs()
}

/// Waits for a reply to every message, and returns the number of duplicates. It uses a new connection, because those from
/// before the fault may be broken.
pub(crate) fn wait_all_echoed(component: &Process, vhost: &Vhost) -> usize {
    let client = wait_until("the broker to accept connections", SOON, || Client::try_connect(vhost).ok());
    let duplicates = receive_all_numbers(&client, count());
    client.publish(INPUT, &numbered_message(count()));
    component.wait_until("the echo of a later message", SOON, || {
        count_by_number(&client.drain(OUTPUT)).contains_key(&count())
    });
    duplicates
}

/// Prints the result as a line of a table, visible with `--nocapture`.
pub(crate) fn print_result(duplicates: usize) {
    let fault = std::thread::current().name().unwrap_or_default().replace("outages::", "").replace('_', " ");
    println!("| {fault} | {} | 0 | {duplicates} |", count());
}

#[test]
fn killing_the_broker_loses_no_message() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.kill();
    component.wait_output("reconnecting", SOON);
    node.start_again();
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn restarting_the_broker_loses_no_message() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.stop_gracefully();
    node.start_again();
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn closing_all_connections_loses_no_message() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.close_all_connections();
    component.wait_output("reconnecting", SOON);
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn freezing_the_broker_loses_no_message() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.freeze();
    // The component misses two heartbeats of 5 s, or a confirm, and closes its connections.
    component.wait_output("reconnecting", SOON);
    node.thaw();
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn after_its_input_queue_was_deleted_it_declares_and_consumes_it_again() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.delete_queue(&test_bed.vhost, INPUT);
    component.wait_output("was deleted", SOON);
    component.wait_until("it to consume its input again", SOON, || test_bed.client.consumers(INPUT) > 0);
    test_bed.client.purge(OUTPUT);
    test_bed.publish_numbered(1000);
    component.wait_until("a reply to every later message", LONG, || {
        let replies = test_bed.client.queue_info(OUTPUT).map_or(0, |queue| queue.messages);
        test_bed.client.depth(INPUT) == 0 && replies >= 1000
    });
}

#[test]
fn a_memory_alarm_loses_no_message() {
    let node = Node::start();
    let test_bed = test_bed_on(&node);
    let component = test_bed.start_under_load(count());
    node.set_memory_alarm(true);
    component.wait_until("a connection to be blocked", SOON, || {
        node.rabbitmqctl(&["-q", "list_connections", "state"]).contains("block")
    });
    node.set_memory_alarm(false);
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn dropping_all_network_traffic_loses_no_message() {
    let node = Node::start();
    let proxy = Proxy::start(node.component_port());
    let test_bed = test_bed_on(&node).env("RABBITMQ_PORT", proxy.port());
    let component = test_bed.start_under_load(count());
    proxy.drop_traffic(true);
    component.wait_output("reconnecting", SOON);
    proxy.drop_traffic(false);
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn killing_the_component_loses_no_message() {
    let test_bed = test_bed_on(Node::shared());
    let component = test_bed.start_under_load(count());
    component.kill();
    let component = test_bed.builder().start();
    print_result(wait_all_echoed(&component, &test_bed.vhost));
}

#[test]
fn killing_one_of_two_replicas_loses_no_message() {
    let test_bed = test_bed_on(Node::shared());
    let other = test_bed.builder().clone().in_new_directory().start();
    let component = test_bed.start_under_load(count());
    component.kill();
    print_result(wait_all_echoed(&other, &test_bed.vhost));
}

#[test]
fn killing_the_registrar_loses_no_message_and_the_other_replica_takes_over() {
    let test_bed = test_bed_on(Node::shared());
    let registrar = test_bed.start_under_load(count());
    wait_until("the first replica to be the registrar", SOON, || test_bed.client.consumers(REGISTERED) == 1);
    let other = test_bed.builder().clone().in_new_directory().start();
    wait_until("the second replica to consume the input", SOON, || test_bed.client.consumers(INPUT) == 2);
    registrar.kill();
    print_result(wait_all_echoed(&other, &test_bed.vhost));
    wait_until("the second replica to be the registrar", SOON, || test_bed.client.consumers(REGISTERED) == 1);
}

#[test]
fn stopping_the_component_makes_no_duplicates() {
    let test_bed = test_bed_on(Node::shared());
    let component = test_bed.start_under_load(count());
    component.terminate();
    assert_eq!(component.wait_exit(SOON).code(), Some(0), "{}", component.output());
    let next = test_bed.builder().start();
    let duplicates = wait_all_echoed(&next, &test_bed.vhost);
    assert_eq!(duplicates, 0, "an orderly stop made duplicates");
    print_result(duplicates);
}
