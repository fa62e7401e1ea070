//! A live change to TLS and back, and routes to another broker with TLS.

use serde_json::json;
use testkit::certificates::OWN_NAMES;
use testkit::{Authority, Client, Message, Mov, Node, TlsTerminator, Vhost, wait_until};

use super::is_encrypted;
use crate::configuration::Configured;
use crate::test_bed::{SOON, TestBed, wait_registered};

#[test]
fn it_moves_to_tls_and_back_and_keeps_its_registration() {
    let node = Node::shared();
    let configured = Configured::new();
    let vhost = configured.test_bed.vhost.clone();
    let mov = Mov::start(&vhost);
    let component = configured.test_bed.builder().clone().plain_broker(&vhost);
    let component = component.env_remove("RABBITMQ_TLS").env_remove("RABBITMQ_CA_FILE").start();
    let id = wait_registered(&mov, &component);
    assert!(!is_encrypted(node, &vhost));
    let moved = |count| {
        component.wait_until("it to move", SOON, || {
            component.output().matches("continuing on another broker").count() == count
        });
    };

    let ca_file = Authority::shared().ca_file().display().to_string();
    let port = vhost.tls_port.unwrap().to_string();
    let to_tls = json!({"rabbitmq_tls": 1, "rabbitmq_port": port, "rabbitmq_ca_file": ca_file});
    for (name, value) in to_tls.as_object().unwrap() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        configured.put(name, &text);
    }
    wait_until("its connections to be encrypted", SOON, || is_encrypted(node, &vhost));
    configured.test_bed.assert_echoes("with TLS");

    let before = component.output().matches("continuing on another broker").count();
    for name in ["rabbitmq_ca_file", "rabbitmq_tls", "rabbitmq_port"] {
        configured.delete(name);
    }
    moved(before + 1);
    wait_until("its connections to be without TLS", SOON, || !is_encrypted(node, &vhost));
    configured.test_bed.assert_echoes("without TLS");
    assert_eq!(wait_registered(&mov, &component), id, "it registered anew");
}

#[test]
fn a_route_has_tls_and_the_component_has_none() {
    let (own, other) = (Node::shared(), Node::start());
    let there = Vhost::new(other.port(), "/");
    let client = Client::connect(&there);
    client.declare("requests");
    let route = json!([{"name": "requests", "type": "consumer", "queue": "requests", "tls": true, "host": "localhost",
        "port": other.tls_port(), "vhost": "/", "auth": {"user": "mov", "password": "password"}}]);
    let ca_file = Authority::shared().ca_file().display().to_string();
    let test_bed = TestBed::on(own).env("QUEUE_CONFIG", &route).env("RABBITMQ_CA_FILE", ca_file);
    let component = test_bed.start();
    component.wait_output("route requests is connected", SOON);
    client.publish("requests", &Message::json(&json!({"content": "through TLS"})));
    assert_eq!(test_bed.next_reply().json()["content"], "through TLS");
    wait_until("the connections of the route to be encrypted", SOON, || is_encrypted(&other, &there));
}

#[test]
fn a_broker_that_is_not_trusted_is_an_error_and_the_component_stays() {
    let configured = Configured::new();
    let mov = Mov::start(&configured.test_bed.vhost);
    let component = configured.test_bed.start();
    wait_registered(&mov, &component);
    let foreign = Authority::new("foreign");
    let proxy = TlsTerminator::start(Node::shared().port(), &foreign.server(&OWN_NAMES));
    configured.put("rabbitmq_url", &format!("amqps://mov:password@127.0.0.1:{}", proxy.port()));
    component.wait_output("the component stays with its broker, because no TLS connection", SOON);
    configured.test_bed.assert_echoes("still here");
    assert_eq!(proxy.received(), 0, "something was sent to a broker that is not trusted");
}
