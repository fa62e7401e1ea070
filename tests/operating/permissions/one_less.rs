//! With any of its permissions less, a component does what docs/permissions.md says.

use std::thread;

use testkit::{Message, Mov, Node, poll};

use super::document::{Row, patterns, rows};
use super::refusals;
use super::run::{ComponentUser, failing};
use crate::test_bed::{INPUT, LONG, OUTPUT, TestBed};

const KINDS: [&str; 3] = ["configure", "write", "read"];

/// How many components run at a time.
const AT_ONCE: usize = 3;

#[test]
fn with_one_permission_less_a_component_does_what_the_document_says() {
    let rows = rows();
    let node = Node::shared();
    let looks = |row: &Row| row.is_to_look && node.version() < (4, 3);
    let less: Vec<(usize, usize)> = (0..rows.len())
        .flat_map(|row| (0..3).map(move |kind| (row, kind)))
        .filter(|(row, kind)| rows[*row].is_permitted[*kind] && !looks(&rows[*row]))
        .collect();
    assert!(less.len() > 14, "the document has only {less:?}");
    for some in less.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for (row, kind) in some {
                scope.spawn(|| assert_degrades_without(node, &rows, *row, *kind));
            }
        });
    }
}

/// Takes one permission away, starts a component, and waits for what it logs and for what the broker refuses.
fn assert_degrades_without(node: &Node, rows: &[Row], without: usize, missing: usize) {
    let names = [0, 1, 2].map(|kind| {
        let is_granted = |(index, row): &(usize, &Row)| row.is_permitted[kind] && (*index, kind) != (without, missing);
        rows.iter().enumerate().filter(is_granted).map(|(_, row)| &*row.name).collect()
    });
    let Row { name, logs, .. } = &rows[without];
    let story = format!("without the permission to {} {name}", KINDS[missing]);
    // Half of the attempts fail, so that some messages are published to the output, which does not exist.
    let test_bed = failing(TestBed::on(node)).env("CHAOS_PERCENTAGE_SIMULATE_FAILURES", 0.5).env("CHAOS_SEED", 3);
    test_bed.client.delete(OUTPUT);
    let _mov = Mov::start(&test_bed.vhost);
    let user = ComponentUser::add(node, &test_bed.vhost);
    user.grant(node, &test_bed.vhost, &patterns(names));
    let component = user.logged_in(test_bed.builder().clone()).start();
    test_bed.publish_numbered(10);
    test_bed.client.publish(INPUT, &Message::bare("it becomes a dead letter"));
    if let Some(logs) = logs {
        let logged = poll(LONG, || component.output().contains(logs.as_str()));
        assert!(logged.is_some(), "{story}, the component does not log `{logs}`: {}", component.output());
    }
    // What the name looks like without the parts that differ in each process.
    let start = name.replace('\\', "").split('[').next().unwrap_or_default().to_owned();
    let refused = poll(LONG, || refusals(node, &user.name).iter().any(|what| what.contains(&start)));
    assert!(refused.is_some(), "{story}, the broker refused only {:?}", refusals(node, &user.name));
    let of_others = refusals(node, &user.name).into_iter().find(|what| !what.contains(&start));
    assert_eq!(of_others, None, "{story}, something else was refused");
}
