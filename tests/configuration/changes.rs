//! What a change of each kind of setting does.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Message, Mov, Process, wait_until};

use super::{Configured, live_id};
use crate::operating::{run_json, wait_until_it_answers};
use crate::test_bed::{INPUT, SOON, TestBed, wait_registered};

/// The setting as the running process shows it.
fn shown(test_bed: &TestBed, name: &str) -> Option<(String, String)> {
    let info = run_json(&test_bed.vhost, "info --count 1");
    let settings = info[0]["settings"].as_array().expect("settings");
    let setting = settings.iter().find(|setting| setting["name"] == name)?;
    let text = |field: &str| setting[field].as_str().expect("a text").to_owned();
    Some((text("value"), text("origin")))
}

fn log_file(component: &Process) -> String {
    fs::read_to_string(component.directory().join("log_messages.txt")).unwrap_or_default()
}

#[test]
fn a_log_level_changes_at_once_and_back() {
    let configured = Configured::new().env("LOG_FILE_LEVEL", "WARN");
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    configured.change(&component, "log_file_level", "DEBUG");
    configured.test_bed.assert_echoes("after the change");
    component
        .wait_until("the log file to have the message", SOON, || log_file(&component).contains("after the change"));
    assert_eq!(shown(&configured.test_bed, "LOG_FILE_LEVEL"), Some(("DEBUG".into(), "etcd".into())));
    configured.delete("log_file_level");
    component.wait_output("LOG_FILE_LEVEL is WARN now (the environment)", SOON);
    configured.test_bed.assert_echoes("after the way back");
    assert!(!log_file(&component).contains("after the way back"), "{}", log_file(&component));
}

#[test]
fn the_level_of_a_module_changes_at_once() {
    let configured = Configured::new();
    let component = configured.test_bed.start();
    configured.put("logging_config/component", "ERROR");
    component.wait_output("LOGGING_CONFIG is", SOON);
    configured.test_bed.assert_echoes("not logged");
    configured.put("logging_config/component", "INFO");
    component.wait_until("the next change", SOON, || component.output().matches("LOGGING_CONFIG is").count() == 2);
    configured.test_bed.assert_echoes("logged");
    component.wait_output("\"logged\"", SOON);
    assert!(!component.output().contains("not logged"), "{}", component.output());
}

#[test]
fn retries_dead_letters_and_faults_change_at_once() {
    let configured = Configured::new().env("RETRY_TTL", 100);
    let component = configured.test_bed.start();
    configured.test_bed.client.publish(INPUT, &Message::json(&json!({ "content": 1 })));
    configured.test_bed.wait_dead_letters(1, &component);
    configured.change(&component, "dead_letter", "false");
    configured.test_bed.client.publish(INPUT, &Message::json(&json!({ "content": 2 })));
    configured.test_bed.assert_echoes("behind it");
    let dead_letters = configured.test_bed.client.depth(crate::test_bed::DEAD_LETTERS);
    assert_eq!(dead_letters, 1, "the second message was kept although DEAD_LETTER is off");
    configured.change(&component, "chaos_percentage_simulate_failures", "1");
    configured.change(&component, "max_retries", "2");
    configured.test_bed.publish("fails three times");
    component.wait_output("3 attempts failed, the last one because of an injected fault", SOON);
    configured.change(&component, "chaos_percentage_simulate_failures", "0");
    configured.test_bed.assert_echoes("no more faults");
}

#[test]
fn workers_prefetch_and_pauses_restart_consumers_and_keep_the_registration() {
    let configured = Configured::new();
    let mov = Mov::start(&configured.test_bed.vhost);
    let component = configured.test_bed.start();
    let id = wait_registered(&mov, &component);
    let client = &configured.test_bed.client;
    configured.change(&component, "workers", "3");
    component.wait_until("three consumers", SOON, || client.consumers(INPUT) == 3);
    configured.change(&component, "channels/data/received_message/workers", "2");
    component.wait_until("two consumers", SOON, || client.consumers(INPUT) == 2);
    configured.change(&component, "channels/data/received_message/paused", "true");
    component.wait_until("no consumer", SOON, || client.consumers(INPUT) == 0);
    configured.test_bed.publish("waits");
    configured.change(&component, "channels/data/received_message/prefetch", "1");
    configured.change(&component, "channels/data/received_message/paused", "false");
    assert!(configured.test_bed.next_reply().text().contains("waits"));
    configured.test_bed.assert_echoes("works");
    assert_eq!((live_id(&mov), component.is_healthy()), (id, true), "the registration was not kept");
}

#[test]
fn a_smaller_prefetch_is_in_effect() {
    let configured = Configured::new().env("CHAOS_DELAY_BEFORE_HANDLER_SECONDS", "0.2");
    let component = configured.test_bed.start();
    configured.change(&component, "rabbitmq_prefetch", "1");
    component.wait_until("the consumer to be back", SOON, || configured.test_bed.client.consumers(INPUT) == 1);
    configured.test_bed.publish_numbered(20);
    component.wait_until("the first reply", SOON, || configured.test_bed.client.depth(crate::test_bed::OUTPUT) > 0);
    // One is with the handler; the others are ready.
    assert!(configured.test_bed.client.depth(INPUT) >= 10, "more than one message was taken");
}

#[test]
fn a_setting_that_needs_a_restart_stays_with_a_warning() {
    let configured = Configured::new();
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    configured.put("register_timeout", "20");
    component.wait_output("REGISTER_TIMEOUT has changed, which needs a restart", SOON);
    assert_eq!(shown(&configured.test_bed, "REGISTER_TIMEOUT"), None, "it is shown as if it were in effect");
    configured.put("log_dir", "/elsewhere");
    configured.change(&component, "max_retries", "3");
    assert!(!component.output().contains("LOG_DIR is"), "{}", component.output());
}

#[test]
fn a_bad_value_is_one_error_with_its_key_and_the_others_apply() {
    let configured = Configured::new();
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    configured.change(&component, "max_retries", "3");
    configured.put("max_retries", "hunter2");
    component.wait_output("MAX_RETRIES: expected a number from 0 to 1000", SOON);
    configured.change(&component, "retry_ttl", "200");
    let of_mov =
        |entry: &Value| entry.to_string().contains("MAX_RETRIES: expected") && entry.to_string().contains("ERROR");
    wait_until("the error in the MOV's log", SOON, || of_mov(&configured.test_bed.log_entry()));
    assert_eq!(shown(&configured.test_bed, "MAX_RETRIES"), Some(("3".into(), "etcd".into())));
    assert_eq!(component.output().matches("MAX_RETRIES: expected").count(), 1, "it was reported more than once");
    assert!(!component.output().contains("hunter2"), "the value may be a secret");
    configured.change(&component, "max_retries", "4");
}

#[test]
fn an_unknown_key_is_reported_once() {
    let configured = Configured::new();
    configured.put("workerz", "2");
    let component = configured.test_bed.start();
    component.wait_output("`workerz` is no setting of this component", SOON);
    configured.change(&component, "workers", "2");
    assert_eq!(component.output().matches("workerz").count(), 1);
}

#[test]
fn a_change_is_applied_within_a_second() {
    let configured = Configured::new().env("RELOAD_CONFIG_PERIOD", 200);
    let component = configured.test_bed.start();
    wait_until_it_answers(&configured.test_bed.vhost);
    let began = std::time::Instant::now();
    configured.change(&component, "max_retries", "3");
    let after = began.elapsed();
    println!("the change was applied after {after:?}");
    assert!(after < Duration::from_secs(10), "it was applied after {after:?}, so not by watching");
}
