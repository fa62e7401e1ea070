//! The component moves to another broker, because a setting says so.

use testkit::store::Etcd;
use testkit::{Client, Mov, Node, ProcessBuilder};

use super::{Configured, live_id};
use crate::test_bed::{INPUT, OUTPUT, SOON, TestBed, wait_registered};

#[test]
fn it_moves_to_another_broker_and_registers_there_and_nowhere_else() {
    let configured = Configured::new();
    let node = Node::start();
    let other = TestBed::on(&node);
    let (mov, other_mov) = (Mov::start(&configured.test_bed.vhost), Mov::start(&other.vhost));
    let component = configured.test_bed.start();
    wait_registered(&mov, &component);
    configured.test_bed.publish_numbered(1_000);
    let pid = component.pid();
    let url = format!(
        "amqp://{}:{}@{}:{}/{}",
        other.vhost.username,
        other.vhost.password,
        other.vhost.host,
        other.vhost.port,
        other.vhost.name.replace('/', "%2F")
    );
    configured.put("rabbitmq_url", &url);
    wait_registered(&other_mov, &component);
    mov.wait_until("the component to be unregistered", SOON, |snapshot| snapshot.live.is_empty());
    other.assert_echoes("on the other broker");
    assert_eq!(component.pid(), pid);
    assert!(!component.output().contains(&other.vhost.password) || other.vhost.password == "password");
    // What was not consumed waits where it is; what was consumed has its reply.
    let waiting = configured.test_bed.client.depth(INPUT) + configured.test_bed.client.depth(OUTPUT);
    assert_eq!(waiting, 1_000, "messages were lost or doubled");
    assert_eq!(configured.test_bed.client.consumers(INPUT), 0);
}

#[test]
fn another_address_of_the_same_broker_keeps_the_registration() {
    let configured = Configured::new();
    let mov = Mov::start(&configured.test_bed.vhost);
    let component = configured.test_bed.start();
    let id = wait_registered(&mov, &component);
    configured.change(&component, "rabbitmq_heartbeat", "9");
    component.wait_output("continuing on another broker", SOON);
    component.wait_output("the registration stays", SOON);
    configured.test_bed.assert_echoes("after the reconnect");
    component.wait_until("it to be healthy", SOON, || component.is_healthy());
    assert_eq!(live_id(&mov), id, "it registered anew");
}

#[test]
fn a_broker_that_cannot_be_reached_is_an_error_and_the_component_stays() {
    let configured = Configured::new();
    let mov = Mov::start(&configured.test_bed.vhost);
    let component = configured.test_bed.start();
    let id = wait_registered(&mov, &component);
    configured.put("rabbitmq_port", "1");
    component.wait_output("the component stays with its broker", SOON);
    configured.test_bed.assert_echoes("still here");
    assert_eq!((live_id(&mov), component.is_healthy()), (id.clone(), true));
    configured.delete("rabbitmq_port");
    component.wait_output("RABBITMQ_PORT is", SOON);
    configured.test_bed.assert_echoes("and still");
    assert_eq!(live_id(&mov), id);
    assert_eq!(component.output().matches("stays with its broker").count(), 1, "it was reported more than once");
}

#[test]
fn while_its_broker_is_down_it_moves_to_the_one_that_the_store_names() {
    let first = Node::start();
    let configured = Configured::on(TestBed::on(&first));
    let component = configured.test_bed.start();
    let other = TestBed::on(Node::shared());
    first.kill();
    component.wait_output("reconnecting", SOON);
    configured.put("rabbitmq_vhost", &other.vhost.name);
    configured.put("rabbitmq_port", &other.vhost.port.to_string());
    component.wait_until("it to consume on the other broker", SOON, || other.client.consumers(INPUT) > 0);
    other.assert_echoes("moved");
}

#[test]
fn a_source_goes_on_when_its_component_moves() {
    let vhost = Node::shared().vhost();
    let other = Node::shared().vhost();
    let queue = "valawai/c0/thermometer/data/reading";
    let (client, other_client) = (Client::connect(&vhost), Client::connect(&other));
    client.declare(queue);
    other_client.declare(queue);
    let etcd = Etcd::start();
    etcd.put("/config/c0_thermometer/workers", "1");
    let builder = ProcessBuilder::example("c0_thermometer", &vhost);
    let builder = builder.env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port()).env("RELOAD_ENABLED", 1);
    let component = builder.start();
    component.wait_until("the first value", SOON, || client.depth(queue) > 0);
    etcd.put("/config/c0_thermometer/rabbitmq_vhost", &other.name);
    component.wait_until("a value on the other broker", SOON, || other_client.depth(queue) > 0);
    component.wait_until("more values there", SOON, || other_client.depth(queue) > 2);
    assert!(!component.output().contains("were not confirmed in time"), "{}", component.output());
}
