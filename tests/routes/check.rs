//! `routes check`: what a configuration would declare, consume and publish, without a broker.

use std::fs;

use serde_json::json;
use testkit::{Finished, ProcessBuilder};

use super::sample;
use crate::test_bed::SOON;

fn check(configuration: &str, options: &[&str]) -> Finished {
    let builder = ProcessBuilder::component_without_settings();
    let file = builder.directory().join("queue_config.json");
    fs::write(&file, configuration).unwrap();
    let builder = builder.arg("routes").arg("check").arg(file.display());
    options.iter().fold(builder, ProcessBuilder::arg).run(SOON)
}

#[test]
fn the_sample_is_described() {
    let finished = check(&sample("other-mq", 5672).to_string(), &[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for expected in [
        "the durable exchange managed of the type topic",
        "the queue requests_for_echo",
        "with the key `requested.#`",
        "requests_for_echo, for the handler of data/received_message",
        "to other-mq:5672",
        "replies, to the exchange events with the key `echo.done`",
        "error reports, to the exchange events with the key `echo.failed`",
        "an envelope for each of received, reply, retry, dead-letter, to the queue store",
    ] {
        assert!(finished.stdout.contains(expected), "{expected} is not in {}", finished.stdout);
    }
    assert!(!format!("{finished:?}").contains("hunter2"), "the password is in {finished:?}");
}

#[test]
fn the_setting_is_checked_without_a_file() {
    let builder = ProcessBuilder::component_without_settings().env("QUEUE_CONFIG", sample("mq", 1)).arg("routes");
    let finished = builder.arg("check").arg("--json").run(SOON);
    let report = &super::objects(&finished.stdout)[0];
    assert_eq!((finished.code, &report["problems"]), (Some(0), &json!([])), "{finished:?}");
    assert_eq!(
        (&report["routes"][0]["consumes"], &report["routes"][3]["name"]),
        (&json!("requests_for_echo"), &json!("store"))
    );
    let unset = ProcessBuilder::component_without_settings().arg("routes").arg("check").run(SOON);
    assert!(unset.code == Some(64) && unset.stderr.contains("QUEUE_CONFIG is not set"), "{unset:?}");
}

#[test]
fn all_problems_are_printed_and_the_answer_is_no() {
    let configuration = json!([
        {"name": "a", "type": "consumer", "queue": "valawai/component/register", "auth": "hunter2"},
        {"name": "a", "type": "producer", "queue": "\u{1b}[2Jhunter2", "handler": "data/no"},
    ]);
    let finished = check(&configuration.to_string(), &["--json"]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let report = &super::objects(&finished.stdout)[0];
    let paths: Vec<_> = report["problems"].as_array().unwrap().iter().map(|it| it["path"].as_str().unwrap()).collect();
    let expected = ["[0].queue", "[0].auth", "[1]", "[1].name", "[1].queue"].map(|it| format!("queue_config{it}"));
    assert_eq!(paths, expected);
    let people = check(&configuration.to_string(), &[]);
    assert_eq!(people.stdout.lines().count(), 5, "{people:?}");
    assert!(people.stdout.lines().all(|line| line.starts_with("error: queue_config[")), "{people:?}");
    assert!(!format!("{finished:?}{people:?}").contains("hunter2"), "the password is in {finished:?}");
}

#[test]
fn an_invalid_configuration_stops_the_start() {
    let routes = json!([{"name": "a", "type": "consumer", "queue": "q", "handler": "data/no", "password": "hunter2"}]);
    let finished =
        ProcessBuilder::component_without_settings().env("QUEUE_CONFIG", routes).env("WORKERS", "x").run(SOON);
    assert_eq!(finished.code, Some(78), "{finished:?}");
    for expected in
        ["QUEUE_CONFIG: expected no other fields", "at queue_config[0].handler", "data/received_message", "WORKERS:"]
    {
        assert!(finished.stderr.contains(expected), "{expected} is not in {finished:?}");
    }
    assert!(!finished.stderr.contains("hunter2"), "{finished:?}");
}
