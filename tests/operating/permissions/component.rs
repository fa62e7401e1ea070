//! What the user of a component needs so that it answers operators. Without, it works.

use testkit::Node;

use super::{ASKS, NightShift, Permissions};
use crate::test_bed::{LONG, SOON, TestBed};

/// What a component needs without operators: its channels, and the queues of the MOV.
const CHANNELS: &str = "^valawai/";
const CHANNELS_AND_DEFAULT: &str = r"^(amq\.default$|valawai/)";
/// The same, and the exchange and the queue of the service.
const CONFIGURE_AND_READ: &str = r"^valawai(/|\.service(\.|$))";
const WRITE: &str = r"^(amq\.default$|valawai/|valawai\.service\.)";
/// The same with one of the two.
const WITH_EXCHANGE: &str = r"^valawai(/|\.service$)";
const WITH_QUEUE: &str = r"^valawai(/|\.service\.)";

/// A component on a virtual host where its user has these permissions.
fn test_bed_with((configure, write, read): Permissions<'_>) -> TestBed {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let vhost = &test_bed.vhost;
    node.rabbitmqctl(&["set_permissions", "-p", &vhost.name, &vhost.username, configure, write, read]);
    test_bed
}

#[test]
fn with_the_permissions_of_the_documentation_a_component_answers() {
    let test_bed = test_bed_with((CONFIGURE_AND_READ, WRITE, CONFIGURE_AND_READ));
    let component = test_bed.start();
    let night_shift = NightShift::on(Node::shared(), &test_bed);
    component.wait_until("an answer", SOON, || night_shift.run("ping --count 1", ASKS).code == Some(0));
    assert!(!component.output().contains("operators cannot talk"), "{}", component.output());
    test_bed.assert_echoes("hello");
}

#[test]
fn with_one_permission_less_a_component_works_and_says_once_that_operators_cannot_talk_to_it() {
    for permissions in [
        (WITH_EXCHANGE, WRITE, CONFIGURE_AND_READ),
        (WITH_QUEUE, WRITE, CONFIGURE_AND_READ),
        (CONFIGURE_AND_READ, CHANNELS_AND_DEFAULT, CONFIGURE_AND_READ),
        (CONFIGURE_AND_READ, WRITE, WITH_EXCHANGE),
        (CONFIGURE_AND_READ, WRITE, WITH_QUEUE),
        (CHANNELS, CHANNELS_AND_DEFAULT, CHANNELS),
    ] {
        let test_bed = test_bed_with(permissions);
        let component = test_bed.start();
        let warning = component.wait_output("operators cannot talk to this process", SOON);
        let (configure, write) = (r"configure and read '^valawai\.service(\.|$)'", r"write '^valawai\.service\.'");
        assert!(warning.contains(configure) && warning.contains(write), "it does not say what to permit: {warning}");
        test_bed.assert_echoes("hello");
        Node::shared().close_connections_of(&test_bed.vhost);
        let test_bed = TestBed::in_vhost(test_bed.vhost);
        component.wait_until("it to be connected again", LONG, || {
            component.output().matches("connected; consuming").count() == 2
        });
        test_bed.assert_echoes("again");
        let count = component.output().matches("operators cannot talk").count();
        assert_eq!(count, 1, "with {permissions:?} it was said so often: {}", component.output());
    }
}
