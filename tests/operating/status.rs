//! `status`: what is wrong, and what to do.

use serde_json::{Value, json};
use testkit::{Message, Mov, Node, wait_until};

use super::{assert_no_control_characters, objects, run, run_with_code, wait_until_it_answers};
use crate::test_bed::{DEAD_LETTERS, INPUT, NAME, OUTPUT, SOON, TestBed};

fn problems(status: &Value) -> Vec<&str> {
    status["problems"].as_array().unwrap().iter().filter_map(|it| it["what"].as_str()).collect()
}

/// The status, whatever the exit code.
fn status(test_bed: &TestBed) -> Value {
    let finished = run(&test_bed.vhost, "status --json");
    objects(&finished.stdout).pop().unwrap_or_else(|| panic!("nothing was printed: {finished:?}"))
}

#[test]
fn a_component_that_works_has_no_problem() {
    let test_bed = TestBed::on(Node::shared());
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    component.wait_healthy();
    let registration = mov.wait_registered(NAME, SOON);
    wait_until_it_answers(&test_bed.vhost);
    let command = test_bed.builder().clone().env("MOV_URL", mov.url()).arg("status");
    let finished = command.run(SOON);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for expected in ["MOV up", &registration.id, INPUT, OUTPUT, "no problem was found"] {
        assert!(finished.stdout.contains(expected), "no {expected} in {finished:?}");
    }
}

#[test]
fn a_component_that_does_not_run_has_problems_and_no_queue_is_created() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.client.delete(OUTPUT);
    test_bed.publish("waiting");
    let status = run_with_code(&test_bed.vhost, "status --json", 1);
    let found = objects(&status.stdout).remove(0);
    let problems = problems(&found);
    for expected in ["no process answers", "1 messages wait", &format!("{OUTPUT} does not exist")] {
        assert!(problems.iter().any(|problem| problem.contains(expected)), "no {expected} in {problems:?}");
    }
    assert_eq!(test_bed.client.queue_info(OUTPUT), None, "it was created");
    assert!(found["mov_is_up"].is_null());
}

#[test]
fn paused_channels_dead_letters_and_errors_are_reported() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    test_bed.client.publish(INPUT, &Message::bare(b"{\"content\":\"\x1b[2J"));
    test_bed.wait_dead_letters(1, &component);
    run_with_code(&test_bed.vhost, "control pause --count 1", 0);
    wait_until("the problems", SOON, || {
        let status = status(&test_bed);
        let found = problems(&status).join("\n");
        found.contains("is paused") && found.contains(&format!("1 dead letters in {DEAD_LETTERS}"))
    });
    let people = run_with_code(&test_bed.vhost, "status", 1).stdout;
    assert!(
        people.contains("last error on data/received_message") && people.contains("→ dead-letters show"),
        "{people}"
    );
    assert_no_control_characters(&people);
    assert_eq!(status(&test_bed)["instances"][0]["paused"], json!(["data/received_message"]));
}
