//! `dead-letters purge`: deletes what was asked for, after it is exported.

use serde_json::json;
use testkit::{Message, Node};

use super::{drain_ids, objects, publish_dead_letters, run_json, run_with_code, wait_depth};
use crate::test_bed::{DEAD_LETTERS, TestBed};

#[test]
fn dead_letters_are_exported_before_they_are_deleted() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 10);
    test_bed.client.publish(DEAD_LETTERS, &Message::bare(&b"\xff\x00"[..]).message_id("10"));
    let file = test_bed.builder().directory().join("old.jsonl");
    let purge = format!("dead-letters purge --yes --export {}", file.display());
    let report = run_json(&test_bed.vhost, &purge);
    assert_eq!(report, [json!({"queue": DEAD_LETTERS, "deleted": 11, "kept": 0})]);
    wait_depth(&test_bed, DEAD_LETTERS, 0);
    let exported = objects(&std::fs::read_to_string(&file).expect("the export"));
    assert_eq!(exported.len(), 11);
    assert_eq!(
        (&exported[3]["body"], &exported[3]["headers"]["x-error"]),
        (&json!({"content": "3"}), &json!("error 1"))
    );
    assert_eq!(exported[10]["hex"], "ff00");

    publish_dead_letters(&test_bed, 1);
    let finished = run_with_code(&test_bed.vhost, &purge, 64);
    assert!(finished.stderr.contains("nothing was done"), "an export was overwritten: {finished:?}");
    wait_depth(&test_bed, DEAD_LETTERS, 1);
}

#[test]
fn only_what_matches_is_deleted_and_the_rest_keeps_its_order() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 10);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time after 1970").as_secs();
    let young = Message::json(&json!({})).message_id("10").header("x-failed-at", (now - 60).to_string());
    test_bed.client.publish(DEAD_LETTERS, &young);
    test_bed.client.publish(DEAD_LETTERS, &Message::json(&json!({})).message_id("11"));
    run_with_code(&test_bed.vhost, "dead-letters purge --yes --where header:x-error~=1", 0);
    wait_depth(&test_bed, DEAD_LETTERS, 7);
    run_with_code(&test_bed.vhost, "dead-letters purge --yes --older-than 1h --where content!=4", 0);
    wait_depth(&test_bed, DEAD_LETTERS, 3);
    assert_eq!(drain_ids(&test_bed, DEAD_LETTERS), [4, 10, 11]);
}

#[test]
fn nothing_is_deleted_in_a_dry_run_or_without_a_confirmation() {
    let test_bed = TestBed::on(Node::shared());
    publish_dead_letters(&test_bed, 5);
    let finished = run_with_code(&test_bed.vhost, "dead-letters purge", 64);
    assert!(finished.stderr.contains("deletes 5 dead letters"), "{finished:?}");
    assert_eq!(run_json(&test_bed.vhost, "dead-letters purge --dry-run")[0]["would_delete"], 5);
    let failed = run_with_code(&test_bed.vhost, "dead-letters purge --yes --export /no/such/folder/file", 64);
    assert!(failed.stderr.contains("nothing was done"), "{failed:?}");
    wait_depth(&test_bed, DEAD_LETTERS, 5);
}
