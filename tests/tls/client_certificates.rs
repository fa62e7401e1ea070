//! A client certificate instead of a password, and certificates that are renewed while the component runs.

use serde_json::json;
use testkit::{Authority, Client, Message, Node, ProcessBuilder, Vhost, wait_until};

use super::{assert_ends, one_attempt, users, with_identity};
use crate::test_bed::{INPUT, OUTPUT, SOON, TestBed};

/// A builder of the component that logs in with a certificate only.
fn external(vhost: &Vhost, builder: &ProcessBuilder) -> ProcessBuilder {
    let builder = builder.clone().tls(vhost).env("RABBITMQ_AUTH", "external");
    builder.env_remove("RABBITMQ_USERNAME").env_remove("RABBITMQ_PASSWORD")
}

fn add_user(node: &Node, vhost: &Vhost, name: &str) {
    // Its password is never used.
    node.rabbitmqctl(&["add_user", name, "x-7d1f9b"]);
    node.rabbitmqctl(&["set_permissions", "-p", &vhost.name, name, ".*", ".*", ".*"]);
}

#[test]
fn a_renewed_certificate_is_taken_at_the_next_connection() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    for name in ["before", "after"] {
        add_user(&node, &test_bed.vhost, name);
    }
    let authority = Authority::shared();
    let directory = tempfile::tempdir().unwrap();
    let identity = authority.client("before").copy_into(directory.path());
    let component = with_identity(external(&test_bed.vhost, test_bed.builder()), &identity).start();
    component.wait_until("it to consume its input", SOON, || test_bed.client.consumers(INPUT) > 0);
    test_bed.assert_echoes("without a password");
    assert_eq!(users(&node, &test_bed.vhost), ["before", "mov"], "the tests themselves are mov");

    identity.renew(&authority.client("after"));
    node.stop_gracefully();
    node.start_again();
    component.wait_until("it to be connected as the other user", SOON, || users(&node, &test_bed.vhost) == ["after"]);
    let client = wait_until("the broker to accept connections", SOON, || Client::try_connect(&test_bed.vhost).ok());
    client.publish(INPUT, &Message::json(&json!({"content": "renewed"})));
    assert_eq!(client.receive(OUTPUT, 1, SOON).remove(0).json()["content"], "renewed");
}

#[test]
fn a_certificate_that_is_no_user_is_reported() {
    let vhost = Node::shared().vhost();
    let nobody = Authority::shared().client("nobody");
    let builder = with_identity(external(&vhost, &one_attempt(&vhost)), &nobody);
    assert_ends(&builder, 69, &["rejected the connection", "RABBITMQ_CERT_FILE"]);
}

#[test]
fn a_broker_that_does_not_accept_certificates_as_a_login_is_reported() {
    let node = Node::start();
    node.rabbitmqctl(&["eval", "application:set_env(rabbit, auth_mechanisms, ['PLAIN'])."]);
    let vhost = node.vhost();
    let builder = with_identity(external(&vhost, &one_attempt(&vhost)), &Authority::shared().client("mov"));
    assert_ends(&builder, 69, &["does not accept certificates as a login", "rabbitmq_auth_mechanism_ssl"]);
}
