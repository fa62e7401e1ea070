//! Each command works with exactly the permissions that docs/permissions.md lists and `permissions` prints.

use testkit::{Mov, Node, ProcessBuilder};

use super::document::commands;
use super::run::printed;
use super::{NightShift, refusals};
use crate::operating::{publish_dead_letters, wait_until_it_answers};
use crate::test_bed::{DEAD_LETTERS, LONG, TestBed, wait_registered};

/// How each command is called, and how it may exit.
fn calls(command: &str) -> Vec<(String, &'static [i32])> {
    let done: &[i32] = &[0];
    // That a queue has dead letters is a problem.
    let found: &[i32] = &[0, 1];
    let calls: &[(&str, &[i32])] = match command {
        "ping" | "info" | "stats" => return vec![(format!("{command} --count 1 --timeout 30s"), done)],
        "control" => {
            &[("control pause --count 1 --timeout 30s", &[0]), ("control resume --count 1 --timeout 30s", &[0])]
        }
        "monitor" | "monitor --trace" | "logs" => return vec![(format!("{command} --for 1s"), done)],
        "status" => return vec![("status".to_owned(), found)],
        "publish" => &[(r#"publish received_message {"content":"x"}"#, &[0])],
        "call" => &[(r#"call received_message {"content":"x"} --timeout 30s"#, &[0])],
        "inspect" => &[("inspect received_message", &[0]), ("inspect dead_letter/data/received_message", &[0])],
        "dead-letters" => &[("dead-letters", &[0]), ("dead-letters show --count 1", &[0])],
        "dead-letters purge" => &[("dead-letters purge --yes --where content=1", &[0])],
        "dead-letters replay" => &[("dead-letters replay --yes --count 1", &[0])],
        "resurrect" => return vec![(format!("resurrect {DEAD_LETTERS} --yes --count 1"), done)],
        "requeue" => return vec![(format!("requeue -cq {DEAD_LETTERS} --yes"), done)],
        "configure" => &[("configure", &[0])],
        "clear" => &[("clear --yes --force", &[0])],
        "mov" => {
            &[("mov components", &[0]), ("mov connections", &[0]), ("mov enable 65a0b1c2d3e4f5061728394a --yes", &[1])]
        }
        "check" | "asyncapi" | "man" | "permissions" => return vec![(command.to_owned(), done)],
        "completions" => &[("completions bash", &[0])],
        "config" => &[("config show", &[0])],
        // It tells the state of a process in the same folder.
        "health" => &[("health", &[1])],
        "routes" => &[("routes check --set QUEUE_CONFIG=[]", &[0])],
        _ => panic!("docs/permissions.md has the command {command}, which this test does not call"),
    };
    calls.iter().map(|(call, codes)| ((*call).to_owned(), *codes)).collect()
}

#[test]
fn every_command_works_with_exactly_the_permissions_of_the_document() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    wait_registered(&mov, &component);
    wait_until_it_answers(&test_bed.vhost);
    let night_shift = NightShift::on(node, &test_bed);
    let listed = commands();
    assert!(listed.len() > 25, "the document lists only {listed:?}");
    for (command, permissions) in listed {
        let words = command.split(' ');
        let builder = ProcessBuilder::component(&test_bed.vhost).arg("--json").arg("permissions");
        let from_program = printed(&words.fold(builder, ProcessBuilder::arg).run(LONG));
        assert_eq!(from_program, permissions, "`permissions {command}` and docs/permissions.md differ");
        publish_dead_letters(&test_bed, 3);
        let [configure, write, read] = &permissions;
        for (call, codes) in calls(&command) {
            let finished = night_shift.run(&call, (configure, write, read));
            let is_expected = finished.code.is_some_and(|code| codes.contains(&code));
            assert!(is_expected, "`{call}` with {permissions:?}: {finished:?}");
            let refused = refusals(node, &night_shift.user);
            assert!(refused.is_empty(), "`{call}` needs more than {permissions:?}: {refused:?}");
        }
    }
}
