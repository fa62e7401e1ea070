//! Each command works with the permissions that its help names.

use testkit::{Mov, Node};

use super::command;
use crate::test_bed::{SOON, TestBed};

const NONE: &str = "^$";
const TO_QUEUES: &str = r"^amq\.default$";
const OWN_QUEUES: &str = "^valawai/c1/echo_example_with_rust_and_amiquip/(retry|dead_letter)/.*";
const PAGES: &str = "^valawai/(component|topology)/page$";

#[test]
fn the_permissions_that_the_help_names_suffice() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    let _mov = Mov::start(&test_bed.vhost);
    let name = &test_bed.vhost.name;
    node.rabbitmqctl(&["add_user", "night", "shift"]);
    let allow = |configure: &str, write: &str, read: &str| {
        node.rabbitmqctl(&["set_permissions", "-p", name, "night", configure, write, read]);
    };
    for (arguments, (configure, write, read), code) in [
        (r#"publish received_message {"content":"x"}"#, (NONE, TO_QUEUES, NONE), 0),
        (r#"publish received_message {"content":"x"}"#, (NONE, NONE, NONE), 1),
        (r#"call received_message {"content":"x"} --timeout 1s"#, (NONE, TO_QUEUES, NONE), 75),
        ("configure", (OWN_QUEUES, NONE, NONE), 1),
        ("configure", (OWN_QUEUES, TO_QUEUES, OWN_QUEUES), 0),
        ("clear --yes", (OWN_QUEUES, NONE, NONE), 0),
        ("mov components", (PAGES, TO_QUEUES, PAGES), 0),
        ("mov connections", (PAGES, TO_QUEUES, PAGES), 0),
        ("mov components", (NONE, TO_QUEUES, NONE), 1),
    ] {
        allow(configure, write, read);
        let program = command(&test_bed.vhost, arguments);
        let finished = program.env("RABBITMQ_USERNAME", "night").env("RABBITMQ_PASSWORD", "shift").run(SOON);
        assert_eq!(finished.code, Some(code), "`{arguments}` with {configure} {write} {read}: {finished:?}");
        if code == 1 {
            assert!(finished.stderr.contains("ACCESS_REFUSED"), "{finished:?}");
        }
    }
}
