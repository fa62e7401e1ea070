//! The command line and the settings, as a user meets them.

use std::fs;

use crate::test_bed::{NAME, SOON, TestBed};
use testkit::{Launch, Mov, Node};

fn run(launch: &Launch) -> (Option<i32>, String) {
    let process = launch.start();
    let exit = process.wait_exit(SOON);
    (exit.code(), process.output())
}

#[test]
fn help_and_version_tell_what_it_is() {
    let (code, version) = run(&Launch::bare_component().arg("--version"));
    assert_eq!((code, version.trim()), (Some(0), concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"))));
    let (code, help) = run(&Launch::bare_component().arg("--help"));
    assert_eq!(code, Some(0));
    assert!(help.contains("health") && help.contains("RABBITMQ_HOST"), "{help}");
}

#[test]
fn what_it_does_not_know_is_a_usage_error() {
    for arguments in [&["nonsense"][..], &["health", "more"], &["--verbose"]] {
        let launch = arguments.iter().fold(Launch::bare_component(), Launch::arg);
        let (code, output) = run(&launch);
        assert_eq!(code, Some(64), "{arguments:?} gave {output}");
        assert!(output.contains("unknown arguments"), "{output}");
    }
}

#[test]
fn all_wrong_settings_are_told_at_once_and_no_secret_is() {
    let launch = Launch::bare_component()
        .env("RABBITMQ_PORT", "5672.")
        .env("LOG_FILE_LEVEL", "LOUD")
        .env("WORKERS", "0")
        .env("RABBITMQ_PASSWORD", "hunter2")
        .env("RABBITMQ_PASSWORD_FILE", "/no/such/file");
    let (code, output) = run(&launch);
    assert_eq!(code, Some(78));
    for name in ["RABBITMQ_PORT", "`5672.`", "LOG_FILE_LEVEL", "WORKERS", "RABBITMQ_PASSWORD"] {
        assert!(output.contains(name), "{name} is not in {output}");
    }
    assert!(!output.contains("hunter2"), "the password is in {output}");
}

#[test]
fn a_broker_that_cannot_be_reached_is_given_up_after_the_tries_that_are_allowed() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let launch = Launch::bare_component()
        .env("RABBITMQ_HOST", "127.0.0.1")
        .env("RABBITMQ_PORT", closed)
        .env("RABBITMQ_MAX_RETRIES", 3)
        .env("RABBITMQ_RETRY_SLEEP", "0.1");
    let (code, output) = run(&launch);
    assert_eq!(code, Some(69));
    assert_eq!(output.matches("cannot reach the broker").count(), 3, "{output}");
    assert!(output.contains("RABBITMQ_HOST"), "there is no remedy in {output}");
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let vhost = Node::shared().vhost();
    let launch = Launch::component(&vhost)
        .env("RABBITMQ_PASSWORD", "hunter2")
        .env("RABBITMQ_MAX_RETRIES", 1)
        .env("LOG_CONSOLE_LEVEL", "DEBUG");
    let (code, output) = run(&launch);
    assert_eq!(code, Some(69));
    assert!(output.contains("RABBITMQ_PASSWORD"), "there is no remedy in {output}");
    let file = fs::read_to_string(launch.directory().join("log_messages.txt")).unwrap();
    assert!(!output.contains("hunter2") && !file.contains("hunter2"), "the password is in {output}");
}

#[test]
fn an_unknown_virtual_host_is_told() {
    let vhost = Node::shared().vhost();
    let launch = Launch::component(&vhost).env("RABBITMQ_VHOST", "nowhere").env("RABBITMQ_MAX_RETRIES", 1);
    let (code, output) = run(&launch);
    assert_eq!(code, Some(69));
    assert!(output.contains("RABBITMQ_VHOST"), "there is no remedy in {output}");
}

#[test]
fn the_second_of_two_hosts_is_used_when_the_first_does_not_answer() {
    let test_bed = TestBed::on(Node::shared());
    let hosts = format!("127.0.0.1:1, 127.0.0.1:{}", test_bed.vhost.port);
    let test_bed = test_bed.env("RABBITMQ_HOST", hosts);
    let _echo = test_bed.start();
    test_bed.assert_echoes("hello");
}

#[test]
fn a_component_is_healthy_while_its_process_lives_and_has_its_health_file() {
    let test_bed = TestBed::on(Node::shared()).env("COMPONET_ID_FILE_NAME", "id.json");
    let health = test_bed.launch().clone().arg("health");
    let file = health.directory().join("id.json");
    fs::write(&file, r#"{"id": "65a0b1c2d3e4f5061728394a"}"#).unwrap();
    let (code, output) = run(&health);
    assert_eq!(code, Some(1), "nobody stands behind the file: {output}");
    assert!(output.contains("no process of the component"), "{output}");

    let mov = Mov::start(&test_bed.vhost);
    let echo = test_bed.start();
    let healthy = echo.wait_until("it to be healthy", SOON, || Some(run(&health)).filter(|(code, _)| *code == Some(0)));
    assert!(healthy.1.contains(&mov.wait_registered(NAME, SOON).id), "{}", healthy.1);
    echo.kill();
    assert!(file.exists(), "a killed process cannot remove its file");
    assert_eq!(run(&health).0, Some(1), "it looks healthy, and is dead");

    let echo = test_bed.start();
    echo.wait_until("it to be healthy again", SOON, || run(&health).0 == Some(0));
    fs::write(&file, "").unwrap();
    assert_eq!(run(&health).0, Some(1), "the file is empty");
}

#[test]
fn the_log_file_has_its_layout_and_is_rolled_over() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_FILE_MAX_BYTES", 5000).env("LOG_FILE_BACKUP_COUNT", 2);
    let echo = test_bed.start();
    let console = echo.wait_output("starts", SOON);
    assert!(console.contains(" [INFO] valawai::cli::run: c1_echo"), "{console}");
    let file = echo.directory().join("log_messages.txt");
    let first = fs::read_to_string(&file).unwrap();
    assert!(first.starts_with("valawai::cli::run: 20") && first.contains(" | INFO | src/cli/run.rs:"), "{first}");
    assert!(first.contains(&format!(" | {} >>> c1_echo", echo.pid())), "{first}");

    test_bed.say_numbers(500);
    echo.wait_until("the echoes", SOON, || test_bed.client.depth(crate::test_bed::SAID) >= 500);
    let rolled = |number| echo.directory().join(format!("log_messages.txt.{number}")).exists();
    echo.wait_until("the log to be rolled over", SOON, || rolled(1) && rolled(2));
    assert!(!rolled(3), "more than two old files are kept");
}

#[test]
fn what_handlers_log_has_its_own_level_in_the_components_log_too() {
    let test_bed = TestBed::on(Node::shared());
    let echo = test_bed.start();
    test_bed.assert_echoes("hello");
    for entry in ["Received a message to echo", "Sent Echoed message"] {
        let line = echo.wait_output(entry, SOON);
        assert!(line.contains("[INFO] component: "), "the console has it at another level: {line}");
        let file = fs::read_to_string(echo.directory().join("log_messages.txt")).unwrap();
        let line = file.lines().find(|line| line.contains(entry)).expect("it is in the file too");
        assert!(line.contains(" | INFO | "), "the file has it at another level: {line}");
    }
}

#[test]
fn a_log_file_that_cannot_be_opened_leaves_the_console_and_the_component_goes_on() {
    let test_bed = TestBed::on(Node::shared()).env("LOG_DIR", "/proc/no/such/folder");
    let echo = test_bed.start();
    echo.wait_output("logging to the console only", SOON);
    test_bed.assert_echoes("hello");
    assert_eq!(echo.stop(SOON).code(), Some(0));
}
