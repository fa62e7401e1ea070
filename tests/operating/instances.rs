//! `ping`, `info` and `stats`: what running processes answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Message, Mov, Node, wait_until};

use super::{command, objects, run, run_json, run_with_code, wait_until_it_answers};
use crate::test_bed::{INPUT, LONG, NAME, SOON, TestBed};

/// Asks the only process, once it answers.
fn ask(test_bed: &TestBed, verb: &str) -> Value {
    wait_until_it_answers(&test_bed.vhost);
    run_json(&test_bed.vhost, &format!("{verb} --count 1 --timeout 30s")).remove(0)
}

#[test]
fn each_process_answers_a_ping() {
    let test_bed = TestBed::on(Node::shared());
    let one = test_bed.start();
    let other = test_bed.builder().clone().in_new_directory().start();
    wait_until_it_answers(&test_bed.vhost);
    wait_until("both to answer", SOON, || {
        let answers = run_json(&test_bed.vhost, "ping --count 2 --timeout 3s");
        let instances: BTreeSet<&str> = answers.iter().filter_map(|it| it["instance"].as_str()).collect();
        instances.len() == 2 && answers.iter().all(|it| it["component"] == NAME && it["version"] == "1.0.0")
    });
    drop(other);
    let answers = run_json(&test_bed.vhost, "ping all --timeout 1s");
    assert_eq!(answers.len(), 1, "{answers:?}");
    let instance = answers[0]["instance"].as_str().unwrap();
    let one_instance = format!("ping {NAME} --instance {instance} --count 1");
    assert_eq!(run_json(&test_bed.vhost, &one_instance)[0]["instance"], instance);
    let table = run_with_code(&test_bed.vhost, "ping --count 1", 0).stdout;
    assert!(table.starts_with("component") && table.contains(" ms"), "{table}");
    drop(one);
}

#[test]
fn if_nobody_answers_the_exit_code_is_1_and_nothing_was_created() {
    let node = Node::shared();
    let test_bed = TestBed::on(node);
    for verb in ["ping", "info", "stats", "control pause", "monitor --for 5s", "logs --for 5s"] {
        let finished = run_with_code(&test_bed.vhost, verb, 1);
        assert!(finished.stderr.contains("no process of") && finished.stdout.is_empty(), "{verb}: {finished:?}");
    }
    let exchanges = node.rabbitmqctl(&["list_exchanges", "-p", &test_bed.vhost.name, "name"]);
    assert!(!exchanges.contains("valawai.service"), "{exchanges}");
}

#[test]
fn info_tells_what_a_process_is_without_its_password() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_CONSOLE_LEVEL", "WARN");
    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    component.wait_healthy();
    let registration = mov.wait_registered(NAME, LONG);
    let info = ask(&test_bed, "info");
    assert_eq!(
        (&info["level"], &info["mov_id"], &info["pid"]),
        (&json!("C1"), &json!(registration.id), &json!(component.pid()))
    );
    assert!(info["log_levels"].as_str().unwrap().starts_with("WARN on the console"), "{info}");
    let channels = info["channels"].as_array().unwrap();
    assert!(channels.contains(&json!({ "name": INPUT, "direction": "consumes" })), "{info}");
    let setting = |name: &str| {
        info["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {info}"))
    };
    assert_eq!(setting("RABBITMQ_PASSWORD")["value"], "***");
    assert_eq!(
        setting("LOG_CONSOLE_LEVEL"),
        &json!({ "name": "LOG_CONSOLE_LEVEL", "value": "WARN", "origin": "the environment" })
    );
    let people = run_with_code(&test_bed.vhost, "info --count 1", 0).stdout;
    assert!(people.contains(INPUT) && !people.contains(&test_bed.vhost.password), "{people}");
}

#[test]
fn stats_count_messages_by_what_became_of_them() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    test_bed.publish_numbered(10);
    for _ in 0..3 {
        test_bed.client.publish(INPUT, &Message::json(&json!({ "content": "" })));
    }
    let channel = |stats: &Value| {
        stats["channels"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["channel"] == "data/received_message")
            .cloned()
            .unwrap()
    };
    wait_until("thirteen messages", SOON, || channel(&ask(&test_bed, "stats"))["received"] == 13);
    let stats = ask(&test_bed, "stats");
    let input = channel(&stats);
    assert_eq!((&input["replied"], &input["dead_lettered"], &input["paused"]), (&json!(10), &json!(3), &json!(false)));
    assert!(input["last_error"]["reason"].as_str().unwrap().contains("the string is empty"), "{input}");
    assert!(input["handler_time"]["max_us"].as_u64() >= input["handler_time"]["p50_us"].as_u64(), "{input}");
    assert!(stats["memory_kb"].as_u64() > Some(1000) && stats["reconnects"] == 0, "{stats}");
    let people = run_with_code(&test_bed.vhost, "stats --count 1", 0).stdout;
    assert!(people.contains("data/received_message") && people.contains("last error"), "{people}");
}

#[test]
fn stats_are_printed_again_until_ctrl_c() {
    let test_bed = TestBed::on(Node::shared());
    let _component = test_bed.start();
    ask(&test_bed, "stats");
    let watch = command(&test_bed.vhost, "stats --watch --interval 200ms --count 1 --json").start();
    watch.wait_until("three prints", SOON, || watch.output().lines().count() >= 3);
    watch.interrupt();
    assert_eq!(watch.wait_exit(SOON).code(), Some(0));
    assert!(objects(&watch.output()).iter().all(|stats| stats["channels"].is_array()));
}

#[test]
fn reconnects_are_counted() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    let _component = test_bed.start();
    ask(&test_bed, "ping");
    node.close_all_connections();
    wait_until("a reconnect", LONG, || {
        let answers = run(&test_bed.vhost, "stats --count 1 --json").stdout;
        objects(&answers).iter().any(|stats| stats["reconnects"] == 1)
    });
}

#[test]
fn without_service_control_a_process_does_not_answer_and_works() {
    let test_bed = TestBed::on(Node::shared()).env("SERVICE_CONTROL", 0);
    let _component = test_bed.start();
    test_bed.assert_echoes("hello");
    run_with_code(&test_bed.vhost, "ping --timeout 500ms", 1);
}
