//! The command line, the reports of invalid settings, and the log files.

use std::fs;

use testkit::{Mov, Node, ProcessBuilder};

use crate::test_bed::{NAME, OUTPUT, SOON, TestBed};

fn run(builder: &ProcessBuilder) -> (Option<i32>, String) {
    let process = builder.start();
    let exit = process.wait_exit(SOON);
    (exit.code(), process.output())
}

#[test]
fn help_and_version_are_printed() {
    let (code, version) = run(&ProcessBuilder::component_without_settings().arg("--version"));
    assert_eq!((code, version.trim()), (Some(0), concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))));
    let (code, help) = run(&ProcessBuilder::component_without_settings().arg("--help"));
    assert_eq!(code, Some(0));
    assert!(help.contains("health") && help.contains("RABBITMQ_HOST"), "{help}");
}

#[test]
fn unknown_arguments_are_a_usage_error() {
    for arguments in [&["nonsense"][..], &["health", "more"], &["--verbose"]] {
        let builder = arguments.iter().fold(ProcessBuilder::component_without_settings(), ProcessBuilder::arg);
        let (code, output) = run(&builder);
        assert_eq!(code, Some(64), "{arguments:?} gave {output}");
        assert!(output.contains("Usage:") && output.contains("--help"), "{output}");
    }
}

#[test]
fn all_invalid_settings_are_reported_together_without_secrets() {
    let builder = ProcessBuilder::component_without_settings()
        .env("RABBITMQ_PORT", "5672.")
        .env("LOG_FILE_LEVEL", "LOUD")
        .env("WORKERS", "0")
        .env("RABBITMQ_PASSWORD", "hunter2")
        .env("RABBITMQ_PASSWORD_FILE", "/no/such/file");
    let (code, output) = run(&builder);
    assert_eq!(code, Some(78));
    for name in ["RABBITMQ_PORT", "`5672.`", "LOG_FILE_LEVEL", "WORKERS", "RABBITMQ_PASSWORD"] {
        assert!(output.contains(name), "{name} is not in {output}");
    }
    assert!(!output.contains("hunter2"), "the password is in {output}");
}

#[test]
fn connecting_is_given_up_after_the_allowed_attempts() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let builder = ProcessBuilder::component_without_settings()
        .env("RABBITMQ_HOST", "127.0.0.1")
        .env("RABBITMQ_PORT", closed)
        .env("RABBITMQ_MAX_RETRIES", 3)
        .env("RABBITMQ_RETRY_SLEEP", "0.1");
    let (code, output) = run(&builder);
    assert_eq!(code, Some(69));
    assert_eq!(output.matches("cannot reach the broker").count(), 3, "{output}");
    assert!(output.contains("RABBITMQ_HOST"), "no remedy in {output}");
}

#[test]
fn a_wrong_password_is_reported_without_the_password() {
    let vhost = Node::shared().vhost();
    let builder = ProcessBuilder::component(&vhost)
        .env("RABBITMQ_PASSWORD", "hunter2")
        .env("RABBITMQ_MAX_RETRIES", 1)
        .env("LOG_CONSOLE_LEVEL", "DEBUG");
    let (code, output) = run(&builder);
    assert_eq!(code, Some(69));
    assert!(output.contains("RABBITMQ_PASSWORD"), "no remedy in {output}");
    let file = fs::read_to_string(builder.directory().join("log_messages.txt")).unwrap();
    assert!(!output.contains("hunter2") && !file.contains("hunter2"), "the password is in {output}");
}

#[test]
fn an_unknown_virtual_host_is_reported() {
    let vhost = Node::shared().vhost();
    let builder = ProcessBuilder::component(&vhost).env("RABBITMQ_VHOST", "nowhere").env("RABBITMQ_MAX_RETRIES", 1);
    let (code, output) = run(&builder);
    assert_eq!(code, Some(69));
    assert!(output.contains("RABBITMQ_VHOST"), "no remedy in {output}");
}

#[test]
fn the_second_of_two_hosts_is_used_when_the_first_does_not_answer() {
    let test_bed = TestBed::on(Node::shared());
    let hosts = format!("127.0.0.1:1, 127.0.0.1:{}", test_bed.vhost.component_port());
    let test_bed = test_bed.env("RABBITMQ_HOST", hosts);
    let _component = test_bed.start();
    test_bed.assert_echoes("hello");
}

#[test]
fn health_needs_a_running_process_and_its_health_file() {
    let test_bed = TestBed::on(Node::shared()).env("COMPONET_ID_FILE_NAME", "id.json");
    let health = test_bed.builder().clone().arg("health");
    let file = health.directory().join("id.json");
    fs::write(&file, r#"{"id": "65a0b1c2d3e4f5061728394a"}"#).unwrap();
    let (code, output) = run(&health);
    assert_eq!(code, Some(1), "healthy without a process: {output}");
    assert!(output.contains("no process of the component"), "{output}");

    let mov = Mov::start(&test_bed.vhost);
    let component = test_bed.start();
    let healthy = component
        .wait_until("the component to be healthy", SOON, || Some(run(&health)).filter(|(code, _)| *code == Some(0)));
    assert!(healthy.1.contains(&mov.wait_registered(NAME, SOON).id), "{}", healthy.1);
    component.kill();
    assert!(file.exists(), "a killed process removed its health file");
    assert_eq!(run(&health).0, Some(1), "healthy after the process was killed");

    let component = test_bed.start();
    component.wait_until("the component to be healthy again", SOON, || run(&health).0 == Some(0));
    fs::write(&file, "").unwrap();
    assert_eq!(run(&health).0, Some(1), "healthy with an empty health file");
}

#[test]
fn the_log_file_has_its_layout_and_is_rotated() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_FILE_MAX_BYTES", 5000).env("LOG_FILE_BACKUP_COUNT", 2);
    let component = test_bed.start();
    let console = component.wait_output("starts", SOON);
    assert!(console.contains(" [INFO] valawai::commands::run: c1_echo"), "{console}");
    let file = component.directory().join("log_messages.txt");
    let first = fs::read_to_string(&file).unwrap();
    assert!(
        first.starts_with("valawai::commands::run: 20")
            && first.contains(" | INFO | crates/valawai/src/commands/run.rs:"),
        "{first}"
    );
    assert!(first.contains(&format!(" | {} >>> c1_echo", component.pid())), "{first}");

    test_bed.publish_numbered(500);
    component.wait_until("the replies", SOON, || test_bed.client.depth(OUTPUT) >= 500);
    let is_rotated = |number| component.directory().join(format!("log_messages.txt.{number}")).exists();
    component.wait_until("the log to be rotated", SOON, || is_rotated(1) && is_rotated(2));
    assert!(!is_rotated(3), "more than two rotated files are kept");
}

#[test]
fn entries_of_handlers_keep_their_level_in_the_log_of_the_component() {
    let test_bed = TestBed::on(Node::shared());
    let component = test_bed.start();
    test_bed.assert_echoes("hello");
    for entry in ["Received a message to echo", "Sent Echoed message"] {
        let line = component.wait_output(entry, SOON);
        assert!(line.contains("[INFO] component: "), "another level on the console: {line}");
        let file = fs::read_to_string(component.directory().join("log_messages.txt")).unwrap();
        let line = file.lines().find(|line| line.contains(entry)).expect("the entry in the file");
        assert!(line.contains(" | INFO | "), "another level in the file: {line}");
    }
}

#[test]
fn without_a_usable_log_file_it_logs_to_the_console() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_DIR", "/proc/no/such/folder");
    let component = test_bed.start();
    component.wait_output("logging to the console only", SOON);
    test_bed.assert_echoes("hello");
    assert_eq!(component.stop(SOON).code(), Some(0));
}
