//! Orders of operators: `control set`, `unset` and `reload`.

use std::fs;

use serde_json::Value;
use testkit::{Finished, Node, wait_until};

use super::{Configured, key};
use crate::operating::{command, objects, run, run_json, run_with_code, wait_until_it_answers};
use crate::test_bed::{INPUT, SOON, TestBed};

/// The settings that the running processes show, by their names.
fn shown(test_bed: &TestBed, name: &str, count: usize) -> Vec<Value> {
    let info = run_json(&test_bed.vhost, &format!("info --count {count}"));
    let of = |info: &Value| info["settings"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned();
    info.iter().filter_map(of).collect()
}

/// Gives an order to `count` processes, and returns their answers.
#[track_caller]
fn order(test_bed: &TestBed, order: &str, code: i32, count: usize) -> Vec<String> {
    let arguments = format!("control {order} --count {count} --timeout 20s --json");
    let answers = objects(&run_with_code(&test_bed.vhost, &arguments, code).stdout);
    assert_eq!(answers.len(), count, "{answers:?}");
    let text = |answer: &Value| {
        let text = answer["message"].as_str().or(answer["reason"].as_str());
        text.unwrap_or_else(|| panic!("no text in {answer}")).to_owned()
    };
    answers.iter().map(text).collect()
}

#[test]
fn settings_of_each_effect_change_in_all_processes_and_back() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_FILE_LEVEL", "WARN");
    let first = test_bed.start();
    let second = test_bed.builder().start();
    wait_until("both to answer", SOON, || run(&test_bed.vhost, "ping --count 2 --json").stdout.lines().count() == 2);
    let consumers = |count: u32| wait_until("the consumers", SOON, || test_bed.client.consumers(INPUT) == count);
    let answers = order(&test_bed, "set log_file_level=DEBUG MAX_RETRIES=2", 0, 2);
    let [answer, _] = &answers[..] else { panic!("{answers:?}") };
    assert!(answer.contains("LOG_FILE_LEVEL is DEBUG now (an order)") && answer.contains("MAX_RETRIES is 2 now"));
    let log = |file: &str| fs::read_to_string(first.directory().join(file)).unwrap_or_default();
    test_bed.assert_echoes("in the log");
    wait_until("the message in the log file of one process", SOON, || {
        ["log_messages.txt", "replica-2/log_messages.txt"].iter().any(|file| log(file).contains("in the log"))
    });
    order(&test_bed, "set workers=3", 0, 2);
    consumers(6);
    order(&test_bed, "set channels/data/received_message/workers=1", 0, 2);
    consumers(2);
    order(&test_bed, "set channels/data/received_message/paused=yes", 0, 2);
    consumers(0);
    let levels = shown(&test_bed, "LOG_FILE_LEVEL", 2);
    assert!(
        levels.len() == 2 && levels.iter().all(|it| it["value"] == "DEBUG" && it["origin"] == "an order"),
        "{levels:?}"
    );
    order(&test_bed, "unset channels/data/received_message/paused CHANNEL_DATA_RECEIVED_MESSAGE_WORKERS workers", 0, 2);
    consumers(2);
    let answers = order(&test_bed, "unset log_file_level", 0, 2);
    assert!(answers.iter().all(|it| it.contains("LOG_FILE_LEVEL is WARN now (the environment)")), "{answers:?}");
    assert_eq!(order(&test_bed, "unset workers", 0, 2), ["nothing has changed"; 2]);
    test_bed.assert_echoes("works");
    drop(second);
}

#[test]
fn a_smaller_prefetch_of_a_channel_is_in_effect() {
    let test_bed = TestBed::on(Node::shared()).env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", "0.2");
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    order(&test_bed, "set channels/data/received_message/prefetch=1", 0, 1);
    component.wait_until("the consumer to be back", SOON, || test_bed.client.consumers(INPUT) == 1);
    test_bed.publish_numbered(20);
    component.wait_until("the first reply", SOON, || test_bed.client.depth(crate::test_bed::OUTPUT) > 0);
    assert!(test_bed.client.depth(INPUT) >= 10, "more than one message was taken");
}

#[test]
fn what_cannot_be_ordered_is_refused_as_a_whole_and_without_the_value() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    for (settings, reason) in [
        ("max_retries=2 workerz=2", "`workerz` is no setting of this component"),
        ("max_retries=2 rabbitmq_host=evil-hunter2", "RABBITMQ_HOST cannot be changed by message"),
        ("max_retries=2 rabbitmq_password=hunter2", "RABBITMQ_PASSWORD cannot be changed by message"),
        ("max_retries=2 rabbitmq_url=amqp://me:hunter2@evil", "RABBITMQ_URL cannot be changed by message"),
        ("max_retries=2 log_dir=/hunter2", "LOG_DIR cannot be changed while the component runs"),
        ("max_retries=2 etcd_password=hunter2", "ETCD_PASSWORD cannot be changed while the component runs"),
        ("max_retries=2 register_timeout=20", "REGISTER_TIMEOUT cannot be changed while the component runs"),
        ("max_retries=2 workers=hunter2", "WORKERS: expected a number from 1 to 64"),
        ("max_retries=2 channels/data/other/workers=2", "`channels/data/other/workers` is no setting"),
    ] {
        let answers = order(&test_bed, &format!("set {settings}"), 1, 1);
        assert!(answers[0].contains(reason) && !answers[0].contains("hunter2"), "{settings}: {answers:?}");
    }
    assert_eq!(shown(&test_bed, "MAX_RETRIES", 1), [] as [Value; 0], "an order was carried out in part");
    let finished = run(&test_bed.vhost, "control set workers");
    assert_eq!(finished.code, Some(64), "{finished:?}");
    // A bad value does not stay behind: later orders say nothing of it.
    assert_eq!(order(&test_bed, "set max_retries=2", 0, 1), ["MAX_RETRIES is 2 now (an order)"]);
    assert!(!component.output().contains("hunter2"), "{}", component.output());
    assert!(!component.output().contains("ERROR"), "a refusal is for the operator only: {}", component.output());
}

#[test]
fn a_reload_reads_the_file_and_the_store_and_says_what_changed() {
    let configured = Configured::new().env("RELOAD_ENABLED", 0);
    let file = configured.test_bed.builder().directory().join("settings.json");
    fs::write(&file, r#"{"max_retries": 3}"#).unwrap();
    let configured = configured.env("CONFIG_FILE", file.display());
    let test_bed = &configured.test_bed;
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    assert_eq!(order(test_bed, "reload", 0, 1), ["nothing has changed"]);
    fs::write(&file, r#"{"max_retries": 4}"#).unwrap();
    configured.put("workers", "2");
    test_bed.assert_echoes("works");
    assert!(
        !component.output().contains("MAX_RETRIES is 4"),
        "a change was taken up by itself: {}",
        component.output()
    );
    let answer = order(test_bed, "reload", 0, 1).remove(0);
    for change in ["MAX_RETRIES is 4 now (the file that CONFIG_FILE names)", "WORKERS is 2 now (etcd)"] {
        assert!(answer.contains(change), "{change:?} is not in {answer}");
    }
    component.wait_until("two consumers", SOON, || test_bed.client.consumers(INPUT) == 2);
}

#[test]
fn a_store_that_does_not_answer_is_a_refusal_and_pings_are_answered_meanwhile() {
    let configured = Configured::new().env("RELOAD_ENABLED", 0).env("KV_TIMEOUT", 5);
    let test_bed = &configured.test_bed;
    let component = test_bed.start();
    wait_until_it_answers(&test_bed.vhost);
    configured.etcd.freeze();
    let reload = command(&test_bed.vhost, "control reload --count 1 --timeout 60s").env("ETCD_HOST", "").start();
    component.wait_output("an operator has the settings read again", SOON);
    let Finished { code, after, .. } = command(&test_bed.vhost, "ping --count 1").env("ETCD_HOST", "").run(SOON);
    assert_eq!(code, Some(0), "no answer within {after:?} during the reload");
    assert!(reload.is_running(), "the reload was answered before the time of the store was up");
    assert_eq!(reload.wait_exit(SOON).code(), Some(1), "{}", reload.output());
    assert!(reload.output().contains("etcd"), "{}", reload.output());
    test_bed.assert_echoes("works");
    configured.etcd.thaw();
    configured.etcd.put(&key("workers"), "2");
    assert_eq!(order(test_bed, "reload", 0, 1), ["WORKERS is 2 now (etcd)"]);
}
