//! The layers of settings, from the outside.

use std::fs;

use testkit::store::Etcd;
use testkit::{Mov, Node, Process, ProcessBuilder};

use super::{Configured, key};
use crate::test_bed::{INPUT, LONG, SOON, TestBed, wait_registered};

/// A setting and its source, as `config get --sources` prints them.
fn get(builder: &ProcessBuilder, name: &str) -> String {
    let finished = ["config", "get", name, "--sources"].iter().fold(builder.clone(), ProcessBuilder::arg).run(SOON);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.trim_end().to_owned()
}

fn with_etcd(builder: ProcessBuilder, etcd: &Etcd) -> ProcessBuilder {
    builder.env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port())
}

/// A setting, its path, and its values in the order of the layers, beginning with the default.
const SETTINGS: [(&str, &str, [&str; 6]); 2] = [
    ("WORKERS", "workers", ["1", "2", "3", "4", "5", "6"]),
    (
        "CHANNEL_DATA_RECEIVED_MESSAGE_PREFETCH",
        "channels/data/received_message/prefetch",
        ["", "2", "3", "4", "5", "6"],
    ),
];

#[test]
fn a_flag_is_above_the_store_the_environment_the_file_and_the_default() {
    let etcd = Etcd::start();
    for (name, path, [default, file, named, environment, store, flag]) in SETTINGS {
        let mut builder = ProcessBuilder::component_without_settings();
        if !default.is_empty() {
            assert_eq!(get(&builder, name), format!("{default}  (default)"));
        }
        let toml = builder.directory().join("settings.toml");
        let tables =
            path.rsplit_once('/').map_or(String::new(), |(table, _)| format!("[{}]\n", table.replace('/', ".")));
        let last = path.rsplit('/').next().unwrap();
        fs::write(&toml, format!("{tables}{last} = {file}\n")).unwrap();
        builder = builder.env("CONFIG_FILE", toml.display());
        assert_eq!(get(&builder, name), format!("{file}  (the file that CONFIG_FILE names)"), "TOML");
        let json = builder.directory().join("settings.json");
        fs::write(&json, path.rsplit('/').fold(file.to_owned(), |value, key| format!(r#"{{"{key}": {value}}}"#)))
            .unwrap();
        builder = builder.env("CONFIG_FILE", json.display());
        assert_eq!(get(&builder, name), format!("{file}  (the file that CONFIG_FILE names)"), "JSON");
        let single = builder.directory().join("single");
        fs::write(&single, format!("{named}\n")).unwrap();
        builder = builder.env(&format!("{name}_FILE"), single.display());
        assert_eq!(get(&builder, name), format!("{named}  (the file that {name}_FILE names)"));
        builder = builder.env(&format!("{name}_FILE"), "").env(name, environment);
        assert_eq!(get(&builder, name), format!("{environment}  (the environment)"));
        etcd.put(&key(path), store);
        builder = with_etcd(builder, &etcd);
        assert_eq!(get(&builder, name), format!("{store}  (etcd)"));
        let environment_first = builder.clone().env("KV_PRECEDENCE", "env");
        assert_eq!(get(&environment_first, name), format!("{environment}  (the environment)"));
        assert_eq!(get(&environment_first.env(name, ""), name), format!("{store}  (etcd)"));
        builder = builder.arg("--set").arg(format!("{path}={flag}"));
        assert_eq!(get(&builder, name), format!("{flag}  (the command line)"));
    }
}

#[test]
fn a_flag_of_run_is_in_effect() {
    for arguments in [&["--set", "workers=3"][..], &["run", "--set", "workers=3"]] {
        let test_bed = TestBed::on(Node::shared()).env("WORKERS", 2);
        let component = arguments.iter().fold(test_bed.builder().clone(), ProcessBuilder::arg).start();
        component.wait_until("three consumers", SOON, || test_bed.client.consumers(INPUT) == 3);
    }
}

#[test]
fn changes_are_watched_as_they_come() {
    let configured = Configured::new();
    let file = configured.test_bed.builder().directory().join("settings.json");
    fs::write(&file, "{}").unwrap();
    let watch = configured.test_bed.builder().clone().env("CONFIG_FILE", file.display()).env("RABBITMQ_HEARTBEAT", "");
    let watch = watch.arg("config").arg("watch").start();
    watch.wait_output("TAP_MAX_RATE = 2000  (etcd)", SOON);
    configured.put("workers", "2");
    watch.wait_output("WORKERS = 2  (etcd)", SOON);
    fs::write(&file, r#"{"max_retries": 7}"#).unwrap();
    watch.wait_output("MAX_RETRIES = 7  (the file that CONFIG_FILE names)", SOON);
    configured.put("workers", "hunter2");
    watch.wait_output("WORKERS: expected a number from 1 to 64", SOON);
    configured.delete("workers");
    watch.wait_output("WORKERS = 1  (default)", SOON);
    fs::write(&file, "{").unwrap();
    watch.wait_output("CONFIG_FILE: expected JSON", SOON);
    watch.interrupt();
    assert_eq!(watch.wait_exit(SOON).code(), Some(130));
    assert!(!watch.output().contains("hunter2"), "{}", watch.output());
}

#[test]
fn a_required_store_is_waited_for() {
    let etcd = Etcd::start();
    etcd.put(&key("workers"), "2");
    etcd.kill();
    let test_bed = TestBed::on(Node::shared()).env("REQUIRE_CONFIG", 1).env("KV_TIMEOUT", 1);
    let component = with_etcd(test_bed.builder().clone(), &etcd).start();
    let said = component.wait_output("waiting for them, because REQUIRE_CONFIG is set", SOON);
    assert!(said.contains("etcd gave no settings within 1s"), "{said}");
    assert_eq!(test_bed.client.consumers(INPUT), 0, "it consumes without its settings");
    assert!(!component.output().contains("connected; consuming"), "{}", component.output());
    etcd.start_again();
    component.wait_until("two consumers", SOON, || test_bed.client.consumers(INPUT) == 2);
    let terminated = with_etcd(test_bed.builder().clone(), &etcd);
    etcd.kill();
    let component = terminated.start();
    component.wait_output("waiting for them", SOON);
    assert_eq!(component.stop(SOON).code(), Some(0), "it does not stop while it waits");
}

#[test]
fn a_store_that_is_down_at_the_start_delays_it_by_its_time_limit_and_is_taken_up_when_it_is_back() {
    for reload in ["0", "1"] {
        let configured = Configured::new().env("KV_TIMEOUT", 1).env("RELOAD_ENABLED", reload);
        configured.put("workers", "2");
        configured.etcd.kill();
        let component = configured.test_bed.start();
        component.wait_output("connected; consuming", SOON);
        let count = |text: &str| component.output().matches(text).count();
        assert_eq!(count("etcd gave no settings within 1s; starting without them"), 1, "{}", component.output());
        configured.test_bed.assert_echoes("without the store");
        configured.etcd.start_again();
        component.wait_until("two consumers", LONG, || configured.test_bed.client.consumers(INPUT) == 2);
        let warnings = component.output().lines().filter(|line| line.contains("WARN") && line.contains("etcd")).count();
        assert!(warnings <= 2, "one for the outage, and one for the start: {}", component.output());
    }
}

#[test]
fn a_file_is_followed_without_a_store_if_reloading_is_enabled() {
    let test_bed = TestBed::on(Node::shared()).env("RELOAD_ENABLED", 1).env("RELOAD_CONFIG_PERIOD", 1);
    let file = test_bed.builder().directory().join("settings.toml");
    fs::write(&file, "workers = 2\n").unwrap();
    let test_bed = test_bed.env("CONFIG_FILE", file.display());
    let component = test_bed.start();
    component.wait_until("two consumers", SOON, || test_bed.client.consumers(INPUT) == 2);
    fs::write(&file, "workers = 3\nmax_retries = 2\n").unwrap();
    component.wait_until("three consumers", SOON, || test_bed.client.consumers(INPUT) == 3);
    fs::write(&file, "workers = = hunter2\n").unwrap();
    let said = component.wait_output("CONFIG_FILE: expected TOML", SOON);
    assert!(said.contains("its settings stay as they were"), "{said}");
    test_bed.assert_echoes("works");
    fs::write(&file, "workers = 1\n").unwrap();
    component.wait_until("one consumer", SOON, || test_bed.client.consumers(INPUT) == 1);
    let output = component.output();
    assert_eq!(output.matches("CONFIG_FILE: expected").count(), 1, "it was reported more than once: {output}");
    assert!(!output.contains("hunter2"), "{output}");
}

#[test]
fn the_health_is_looked_for_where_the_file_says() {
    let test_bed = TestBed::on(Node::shared());
    let mov = Mov::start(&test_bed.vhost);
    let folder = test_bed.builder().directory().join("elsewhere");
    let file = test_bed.builder().directory().join("settings.toml");
    fs::write(&file, format!("log_dir = '{}'\n", folder.display())).unwrap();
    let builder = test_bed.builder().clone().env("LOG_DIR", "").env("CONFIG_FILE", file.display());
    let component = builder.start();
    let id = mov.wait_registered(crate::test_bed::NAME, SOON).id;
    let health = || builder.clone().arg("health").run(SOON);
    component.wait_until("it to be healthy", SOON, || health().code == Some(0));
    assert!(health().stdout.contains(&id), "{:?}", health());
    assert_eq!(component.stop(SOON).code(), Some(0));
    assert_eq!(health().code, Some(1), "{:?}", health());
    // Another one, whose file is damaged after the start.
    let test_bed = test_bed.env("CONFIG_FILE", file.display());
    let component: Process = test_bed.start();
    wait_registered(&mov, &component);
    fs::write(&file, "= nonsense").unwrap();
    let finished = test_bed.builder().clone().arg("health").run(SOON);
    assert_eq!(finished.code, Some(0), "{finished:?}");
}
