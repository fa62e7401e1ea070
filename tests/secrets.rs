//! No password reaches an output, whatever setting contains it.

use std::fs;
use std::path::Path;

use testkit::{Node, ProcessBuilder, Vhost};

use crate::test_bed::{INPUT, SOON, TestBed};

const SECRET: &str = "hunter2";

/// The content of all files in a directory, which include the output of the process.
fn content_of_files(directory: &Path) -> String {
    let files = fs::read_dir(directory).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

/// Runs the component with invalid settings or arguments. Asserts that it writes no secret, and returns its exit code and
/// output.
#[track_caller]
fn run(builder: ProcessBuilder, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let builder = settings.iter().fold(builder, |builder, (name, value)| builder.env(name, value));
    let process = builder.start();
    let exit = process.wait_exit(SOON);
    let written = content_of_files(builder.directory());
    assert!(!written.contains(SECRET), "{settings:?} wrote the secret: {written}");
    (exit.code(), process.output())
}

#[test]
fn a_secret_in_the_wrong_setting_is_reported_with_a_remedy_and_not_written() {
    for (settings, remedies) in [
        (&[("RABBITMQ_HOST", "tester:hunter2@broker")][..], &["RABBITMQ_USERNAME", "RABBITMQ_PASSWORD"][..]),
        (&[("RABBITMQ_HOST", "amqps://tester:hunter2@a,b")], &["one host", "RABBITMQ_HOST"]),
        (
            &[("RABBITMQ_TLS", "1"), ("RABBITMQ_KEY_FILE", "hunter2"), ("RABBITMQ_CERT_FILE", "hunter2")],
            &["cannot be read"],
        ),
        (&[("RABBITMQ_TLS", "1"), ("RABBITMQ_CA_FILE", "amqps://tester:hunter2@a")], &["RABBITMQ_CA_FILE", "a file"]),
        (&[("RABBITMQ_HOST", "http://tester:hunter2@broker")], &["amqp://"]),
        (&[("RABBITMQ_URL", "amqp://tester:hunter2@a,b")], &["one host", "RABBITMQ_HOST"]),
        (&[("RABBITMQ_URL", "amqp://tester:hunter2@a/?token=hunter2")], &["heartbeat"]),
        (&[("RABBITMQ_URL", "amqp://tester:12/hunter2@a")], &["%2F"]),
        (&[("RABBITMQ_URL", "amqp://a:b@c"), ("RABBITMQ_PASSWORD", "hunter2")], &["RABBITMQ_PASSWORD", "the same"]),
        (&[("RABBITMQ_URL", "amqp://a:hunter2@c"), ("RABBITMQ_HOST", "other")], &["RABBITMQ_HOST", "the same"]),
        (&[("MOV_URL", "http://tester:hunter2@mov:8080")], &["MOV_URL", "no login", "http://mov:8080"]),
        (&[("MOV_URL", "https://tester:hunter2@mov")], &["MOV_URL", "http://mov:8080"]),
        (&[("RABBITMQ_PORT", "amqp://tester:hunter2@broker")], &["RABBITMQ_PORT", "RABBITMQ_URL"]),
        (&[("RABBITMQ_PORT", "hunter2")], &["RABBITMQ_PORT: expected a number", "not shown"]),
        (&[("LOG_DIR", "amqp://tester:hunter2@broker")], &["LOG_DIR", "RABBITMQ_URL"]),
        (&[("LOG_DIR", "tester:hunter2@broker")], &["LOG_DIR"]),
        (&[("LOG_FILE_NAME", "amqp://tester:hunter2@broker")], &["LOG_FILE_NAME"]),
        (&[("LOG_CONSOLE_LEVEL", "hunter2")], &["LOG_CONSOLE_LEVEL: expected a level"]),
        (&[("COMPONET_ID_FILE_NAME", "tester:hunter2@broker")], &["COMPONET_ID_FILE_NAME"]),
        (&[("RABBITMQ_VHOST", "amqp://tester:hunter2@broker")], &["RABBITMQ_VHOST", "RABBITMQ_URL"]),
        (&[("RABBITMQ_USERNAME", "tester:hunter2@broker")], &["RABBITMQ_USERNAME"]),
        (&[("CHAOS_PROTECTED_ROUTING_KEYS", "a,amqp://tester:hunter2@b")], &["CHAOS_PROTECTED_ROUTING_KEYS"]),
        (&[("RABBITMQ_PASSWORD_FILE", "hunter2")], &["RABBITMQ_PASSWORD_FILE", "cannot be read"]),
        (&[("WORKERS_FILE", "/no/such/hunter2")], &["WORKERS_FILE", "cannot be read"]),
    ] {
        let (code, output) = run(ProcessBuilder::component_without_settings(), settings);
        assert_eq!(code, Some(78), "{settings:?}: {output}");
        for remedy in remedies {
            assert!(output.contains(remedy), "{settings:?}: no `{remedy}` in {output}");
        }
    }
}

#[test]
fn the_health_command_writes_no_secret() {
    let builder = ProcessBuilder::component_without_settings().arg("health");
    assert_eq!(run(builder, &[("LOG_DIR", "amqp://tester:hunter2@broker")]).0, Some(1));
}

#[test]
fn unknown_arguments_are_not_written() {
    let (code, output) = run(ProcessBuilder::component_without_settings().arg("--password=hunter2"), &[]);
    assert_eq!(code, Some(64), "{output}");
}

#[test]
fn a_wrong_password_in_a_url_is_reported_without_the_password() {
    let vhost = Node::shared().vhost();
    let url = broker_url(&vhost, SECRET);
    let debug = ("LOG_CONSOLE_LEVEL", "DEBUG");
    let (code, output) =
        run(without_broker_settings(&vhost), &[("RABBITMQ_URL", &url), ("RABBITMQ_MAX_RETRIES", "1"), debug]);
    assert_eq!(code, Some(69), "{output}");
    assert!(output.contains("RABBITMQ_PASSWORD"), "no remedy in {output}");
}

#[test]
fn a_broker_url_replaces_the_other_broker_settings() {
    let test_bed = TestBed::on(Node::shared());
    let url = broker_url(&test_bed.vhost, &test_bed.vhost.password);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{url}\n")).unwrap();
    for (name, value) in
        [("RABBITMQ_URL", &*url), ("RABBITMQ_HOST", &url), ("RABBITMQ_URL_FILE", file.path().to_str().unwrap())]
    {
        let component = without_broker_settings(&test_bed.vhost).env(name, value).start();
        component.wait_until("it to consume its input", SOON, || test_bed.client.consumers(INPUT) > 0);
        test_bed.assert_echoes(name);
        assert_eq!(component.stop(SOON).code(), Some(0));
    }
}

/// The component without settings for the broker.
fn without_broker_settings(vhost: &Vhost) -> ProcessBuilder {
    let names = ["HOST", "PORT", "USERNAME", "PASSWORD", "VHOST"].map(|name| format!("RABBITMQ_{name}"));
    names.iter().fold(ProcessBuilder::component(vhost), |builder, name| builder.env_remove(name))
}

fn broker_url(vhost: &Vhost, password: &str) -> String {
    let encoded = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
    let (username, password, name) = (encoded(&vhost.username), encoded(password), encoded(&vhost.name));
    format!("amqp://{username}:{password}@{}:{}/{name}?heartbeat=7", vhost.host, vhost.port)
}
