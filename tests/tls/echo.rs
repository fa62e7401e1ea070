//! Registration and messages over TLS.

use serde_json::json;
use testkit::{Message, Mov, Node, TlsListener, wait_until};

use super::{is_encrypted, test_bed_on};
use crate::test_bed::{INPUT, LONG, OUTPUT, SOON, receive_all_numbers, wait_registered};

#[test]
fn it_registers_echoes_and_unregisters() {
    let node = Node::shared();
    let test_bed = test_bed_on(node);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    test_bed.assert_echoes("over TLS");
    wait_until("all of its connections to be encrypted", SOON, || is_encrypted(node, &test_bed.vhost));
    component.wait_healthy();
    assert_eq!(component.stop(SOON).code(), Some(0));
    mov.wait_until("the registration to end", SOON, |snapshot| snapshot.live.is_empty());
}

#[test]
fn it_echoes_with_an_address_that_begins_with_amqps() {
    let test_bed = test_bed_on(Node::shared());
    let vhost = &test_bed.vhost;
    let url = format!("amqps://mov:password@localhost:{}/{}", vhost.tls_port.unwrap(), vhost.name);
    let names = ["HOST", "PORT", "USERNAME", "PASSWORD", "VHOST", "TLS"].map(|name| format!("RABBITMQ_{name}"));
    let builder = names.iter().fold(test_bed.builder().clone(), |builder, name| builder.env_remove(name));
    let _component = builder.env("RABBITMQ_URL", url).start();
    test_bed.assert_echoes("by name");
}

#[test]
fn it_echoes_over_tls_1_2() {
    let node = Node::start_with(&TlsListener::default().with_tls_1_2());
    let test_bed = test_bed_on(&node);
    let _component = test_bed.start();
    test_bed.assert_echoes("over TLS 1.2");
    let versions = node.rabbitmqctl(&["list_connections", "ssl_protocol"]);
    assert!(versions.contains("tlsv1.2"), "{versions}");
}

/// The content of the largest message that a component takes, of 16 MiB with its JSON.
const LARGEST: usize = 16 * 1024 * 1024 - r#"{"content":""}"#.len();

#[test]
fn large_messages_among_small_ones_arrive_whole() {
    let test_bed = test_bed_on(Node::shared()).with_quiet_logs();
    let component = test_bed.start();
    let sizes = [1, 100, 16_383, 16_384, 16_385, 131_072, 3_000_000, LARGEST];
    let content = |size: usize| -> String { "abcdefghijklmnopqrstuvw".chars().cycle().take(size).collect() };
    for size in sizes.iter().chain(&sizes) {
        test_bed.client.publish(INPUT, &Message::json(&json!({ "content": content(*size) })));
    }
    for size in sizes.iter().chain(&sizes) {
        let reply = test_bed.client.receive(OUTPUT, 1, LONG).remove(0);
        let found = reply.json()["content"].as_str().expect("a content").to_owned();
        assert!(found == content(*size), "a reply of {} characters instead of {size}", found.len());
    }
    assert_eq!(component.output().matches("reconnecting").count(), 0, "{}", component.output());
}

#[test]
fn a_hundred_thousand_small_messages_arrive_once() {
    const COUNT: u64 = 100_000;
    let test_bed = test_bed_on(Node::shared()).with_quiet_logs();
    test_bed.publish_numbered(COUNT);
    let _component = test_bed.start();
    assert_eq!(receive_all_numbers(&test_bed.client, COUNT), 0, "duplicates without a fault");
}
