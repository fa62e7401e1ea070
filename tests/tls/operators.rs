//! The operators' commands over TLS.

use testkit::{Authority, Node, ProcessBuilder, Vhost};

use super::test_bed_on;
use crate::operating::wait_until_it_answers;
use crate::test_bed::{SOON, TestBed};

fn command(test_bed: &TestBed, arguments: &str) -> ProcessBuilder {
    let builder = ProcessBuilder::component(&test_bed.vhost).tls(&test_bed.vhost);
    arguments.split(' ').fold(builder, ProcessBuilder::arg)
}

#[track_caller]
fn assert_prints(test_bed: &TestBed, arguments: &str, text: &str) {
    let finished = command(test_bed, arguments).run(SOON);
    assert!(finished.code == Some(0) && finished.stdout.contains(text), "`{arguments}`: {finished:?}");
}

#[test]
fn messages_are_sent_seen_and_echoed() {
    let test_bed = test_bed_on(Node::shared());
    assert_prints(&test_bed, r#"publish data/received_message {"content":"hello"}"#, "");
    assert_prints(&test_bed, "inspect data/received_message", "hello");
    let component = test_bed.start();
    assert_eq!(test_bed.next_reply().json()["content"], "hello");
    wait_until_it_answers(&test_bed.vhost);
    let monitor = command(&test_bed, "monitor --json").start();
    monitor.wait_output("observing", SOON);
    component.wait_until("the monitor to show a message", SOON, || {
        test_bed.publish("observed");
        monitor.output().contains("observed")
    });
    assert_prints(&test_bed, "info", "c1_echo_example_with_rust_and_amiquip");
    let status = command(&test_bed, "status").run(SOON);
    assert!(status.stdout.contains("broker"), "{status:?}");
}

#[test]
fn an_address_on_the_command_line_may_have_tls() {
    let vhost = Node::shared().vhost();
    let test_bed = TestBed::in_vhost(vhost.clone());
    test_bed.publish("hello");
    let inspect = |url: &str| {
        let builder = ProcessBuilder::component_without_settings().arg("inspect").arg("data/received_message");
        let ca_file = Authority::shared().ca_file().display().to_string();
        builder.env("RABBITMQ_CA_FILE", ca_file).env("RABBITMQ_TLS", 1).arg("--broker").arg(url).run(SOON)
    };
    let Vhost { username, password, name, .. } = &vhost;
    for (scheme, port) in [("amqps", vhost.tls_port.unwrap()), ("amqp", vhost.port)] {
        let finished = inspect(&format!("{scheme}://{username}:{password}@127.0.0.1:{port}/{name}"));
        assert!(finished.code == Some(0) && finished.stdout.contains("hello"), "{scheme}: {finished:?}");
    }
}
