//! The health file while the broker is not usable.

use serde_json::json;
use testkit::{Client, Message, Mov, Node};

use crate::test_bed::{INPUT, NAME, OUTPUT, SOON, TestBed, wait_registered};

#[test]
fn the_health_file_is_removed_while_the_broker_is_down() {
    let node = Node::start();
    let test_bed = TestBed::on(&node).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    node.kill();
    component.wait_unhealthy(SOON);
    assert!(component.is_running());
    node.start_again();
    wait_registered(&mov, &component);
    let client = Client::connect(&test_bed.vhost);
    client.publish(INPUT, &Message::json(&json!({"content": "again"})));
    assert_eq!(client.receive(OUTPUT, 1, SOON)[0].json(), json!({"content": "again"}));
    assert_eq!(component.stop(SOON).code(), Some(0));
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn a_lasting_memory_alarm_makes_it_unhealthy_until_it_ends() {
    let node = Node::start();
    // Slow, so that it publishes throughout the test: the broker blocks a connection when it publishes.
    let test_bed = TestBed::on(&node).env("LOG_MOV_LEVEL", "ERROR").env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", 0.1);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let id = wait_registered(&mov, &component);
    test_bed.publish_numbered(1_000);
    node.set_memory_alarm(true);
    component.wait_output("the broker has accepted no messages for 10s", SOON);
    component.wait_unhealthy(SOON);
    node.set_memory_alarm(false);
    assert_eq!(wait_registered(&mov, &component), id, "it registered again after a memory alarm");
}

#[test]
fn a_component_whose_connections_were_closed_keeps_its_registration() {
    let node = Node::shared();
    let test_bed = TestBed::on(node).env("REGISTER_TIMEOUT", 2);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let first = wait_registered(&mov, &component);
    let of_component = |line: &&str| line.contains(&test_bed.vhost.name) && line.contains(NAME);
    let list = node.rabbitmqctl(&["-q", "list_connections", "pid", "vhost", "client_properties"]);
    for line in list.lines().filter(of_component) {
        let pid = line.split_whitespace().next().expect("a connection's process");
        node.rabbitmqctl(&["close_connection", pid, "by a test"]);
    }
    component.wait_output("reconnecting", SOON);
    let again = wait_registered(&mov, &component);
    assert_eq!(
        (first, mov.registrations().len()),
        (again, 1),
        "it registered again, so connections made by operators are lost"
    );
}
