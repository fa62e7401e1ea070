//! Settings that the author of a component declares, with the example `c1_alarm`.

use std::fs;

use serde_json::json;
use testkit::store::Etcd;
use testkit::{Client, Message, Node, Process, ProcessBuilder, Vhost};

use crate::test_bed::{MOV_LOG, SOON};

pub(super) const READINGS: &str = "valawai/c1/alarm/data/reading";
pub(super) const ALARMS: &str = "valawai/c1/alarm/data/alarm";
pub(super) const PARAMETERS: &str = "valawai/c1/alarm/control/parameters";

/// `c1_alarm` on a virtual host of its own.
pub(super) struct Alarm {
    pub(super) client: Client,
    pub(super) vhost: Vhost,
    builder: ProcessBuilder,
}

impl Alarm {
    pub(super) fn new() -> Self {
        let vhost = Node::shared().vhost();
        let client = Client::connect(&vhost);
        for queue in [READINGS, ALARMS, PARAMETERS, MOV_LOG] {
            client.declare(queue);
        }
        let builder = ProcessBuilder::example("c1_alarm", &vhost);
        Self { client, vhost, builder }
    }

    pub(super) fn env(self, name: &str, value: impl ToString) -> Self {
        Self { builder: self.builder.env(name, value), ..self }
    }

    pub(super) fn builder(&self) -> &ProcessBuilder {
        &self.builder
    }

    /// Starts one more process.
    pub(super) fn start(&self) -> Process {
        let before = self.client.consumers(READINGS);
        let process = self.builder.start();
        process.wait_until("it to consume", SOON, || self.client.consumers(READINGS) > before);
        process
    }

    /// Waits until this is the highest temperature without an alarm.
    #[track_caller]
    pub(super) fn assert_highest(&self, highest: u32) {
        for celsius in [highest, highest + 1] {
            self.client.publish(READINGS, &Message::json(&json!({ "celsius": celsius })));
        }
        let alarm = self.client.receive(ALARMS, 1, SOON).remove(0).json();
        assert_eq!(alarm["celsius"], f64::from(highest + 1), "another limit is in effect");
    }
}

#[test]
fn settings_of_the_author_come_from_each_source() {
    let etcd = Etcd::start();
    let alarm = Alarm::new();
    let file = alarm.builder().directory().join("settings.toml");
    fs::write(&file, "highest = 11\n").unwrap();
    let value = alarm.builder().directory().join("highest");
    fs::write(&value, "12\n").unwrap();
    let show = |alarm: &Alarm| {
        let shown = alarm.builder().clone().arg("config").arg("get").arg("HIGHEST").arg("--sources").run(SOON);
        shown.stdout.trim_end().to_owned()
    };
    let assert_is = |alarm: &Alarm, highest: u32, shown: &str| {
        assert_eq!(show(alarm), shown);
        let component = alarm.start();
        alarm.assert_highest(highest);
        // In order: a message that was not acknowledged would be handled again, by the next process.
        assert_eq!(component.stop(SOON).code(), Some(0), "{}", component.output());
    };
    assert_is(&alarm, 30, "  (default)");
    let alarm = alarm.env("CONFIG_FILE", file.display());
    assert_is(&alarm, 11, "11  (the file that CONFIG_FILE names)");
    let alarm = alarm.env("HIGHEST_FILE", value.display());
    assert_is(&alarm, 12, "12  (the file that HIGHEST_FILE names)");
    let alarm = alarm.env("HIGHEST_FILE", "").env("HIGHEST", 13);
    assert_is(&alarm, 13, "13  (the environment)");
    etcd.put("/config/c1_alarm/highest", "14");
    let alarm = alarm.env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port());
    assert_is(&alarm, 14, "14  (etcd)");
    let alarm = Alarm { builder: alarm.builder.arg("--set").arg("highest=15"), ..alarm };
    let _component = alarm.start();
    alarm.assert_highest(15);
}

#[test]
fn a_change_is_seen_by_the_handler_and_told_to_the_author() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_alarm/highest", "20");
    let alarm = Alarm::new().env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port()).env("RELOAD_ENABLED", "yes");
    let component = alarm.start();
    alarm.assert_highest(20);
    etcd.put("/config/c1_alarm/rooms", r#"["kitchen", ""]"#);
    component.wait_output("ROOMS is", SOON);
    etcd.put("/config/c1_alarm/highest", "25");
    component.wait_output("the limit was 20, and is 25", SOON);
    alarm.assert_highest(25);
    assert_eq!(component.output().matches("the limit was").count(), 1, "another field has changed");
}

#[test]
fn an_invalid_setting_of_the_author_ends_the_start_with_all_other_problems() {
    let alarm = Alarm::new().env("HIGHEST", "hunter2").env("WORKERS", "many").env("RABBITMQ_PORT", "x");
    for arguments in [&[][..], &["config", "show"]] {
        let finished = arguments.iter().fold(alarm.builder().clone(), ProcessBuilder::arg).run(SOON);
        assert_eq!(finished.code, Some(78), "{arguments:?}: {finished:?}");
        for problem in ["HIGHEST: expected a number", "WORKERS: expected", "RABBITMQ_PORT: expected"] {
            assert!(finished.stderr.contains(problem), "{problem:?} is not in {finished:?}");
        }
        assert!(!finished.stderr.contains("hunter2"), "the value may be a secret: {finished:?}");
    }
}

#[test]
fn an_invalid_change_is_one_error_and_the_old_value_stays() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_alarm/highest", "20");
    let alarm = Alarm::new().env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port()).env("RELOAD_ENABLED", "yes");
    let component = alarm.start();
    etcd.put("/config/c1_alarm/highest", "hunter2");
    component.wait_output("HIGHEST: expected a number; it stays as it was", SOON);
    etcd.put("/config/c1_alarm/max_retries", "3");
    component.wait_output("MAX_RETRIES is 3 now (etcd)", SOON);
    alarm.assert_highest(20);
    let output = component.output();
    assert_eq!(output.matches("HIGHEST: expected").count(), 1, "it was reported more than once: {output}");
    assert!(!output.contains("hunter2"), "the value may be a secret: {output}");
}
