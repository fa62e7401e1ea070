//! The commands that publish, and those that declare and delete queues.

use testkit::{Mov, Node};

use super::{NONE, NightShift};
use crate::test_bed::TestBed;

const TO_QUEUES: &str = r"^amq\.default$";
const TO_QUEUES_AND_MOV: &str = r"^(amq\.default$|valawai/(component|topology)/)";
const OWN_QUEUES: &str = "^valawai/.*/(dead_letter|retry)/";
const PAGES: &str = "^valawai/(component|topology)/page$";

#[test]
fn the_permissions_that_the_help_names_suffice() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let _mov = Mov::start(&test_bed.vhost);
    let night_shift = NightShift::on(node, &test_bed);
    for (arguments, permissions, code) in [
        (r#"publish received_message {"content":"x"}"#, (NONE, TO_QUEUES, NONE), 0),
        (r#"call received_message {"content":"x"} --timeout 1s"#, (NONE, TO_QUEUES, NONE), 75),
        ("configure", (OWN_QUEUES, TO_QUEUES, OWN_QUEUES), 0),
        ("clear --yes", (OWN_QUEUES, NONE, NONE), 0),
        ("mov components", (PAGES, TO_QUEUES_AND_MOV, PAGES), 0),
        ("mov connections", (PAGES, TO_QUEUES_AND_MOV, PAGES), 0),
    ] {
        night_shift.assert_exits(arguments, permissions, code);
        night_shift.assert_in_help(arguments, permissions);
    }
    for (arguments, permissions, refused) in [
        (r#"publish received_message {"content":"x"}"#, (NONE, NONE, NONE), "exchange"),
        ("configure", (OWN_QUEUES, NONE, NONE), "queue"),
        ("mov components", (NONE, TO_QUEUES_AND_MOV, NONE), "valawai/component/page"),
    ] {
        night_shift.assert_refused(arguments, permissions, refused);
    }
}
