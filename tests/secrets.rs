//! A password reaches no output, whatever setting it was pasted into; and a broker's address may carry one.

use std::fs;
use std::path::Path;

use crate::test_bed::{HEARD, SOON, TestBed};
use testkit::{Launch, Node, Vhost};

const SECRET: &str = "hunter2";

/// All that a process left: its output, and each file in its folder.
fn traces(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
    files.map(|file| fs::read_to_string(file.path()).unwrap_or_default()).collect()
}

/// Runs the component to its end with `settings`, and returns its exit code and its output, which holds no secret.
#[track_caller]
fn run(launch: Launch, settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let launch = settings.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
    let process = launch.start();
    let exit = process.wait_exit(SOON);
    let traces = traces(launch.directory());
    assert!(!traces.contains(SECRET), "{settings:?} printed the secret: {traces}");
    (exit.code(), process.output())
}

#[test]
fn a_secret_in_the_wrong_setting_is_not_printed_and_the_message_says_where_it_belongs() {
    for (settings, remedies) in [
        (&[("RABBITMQ_HOST", "tester:hunter2@broker")][..], &["RABBITMQ_USERNAME", "RABBITMQ_PASSWORD"][..]),
        (&[("RABBITMQ_HOST", "amqps://tester:hunter2@broker")], &["amqp://", "TLS"]),
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
        let (code, output) = run(Launch::bare_component(), settings);
        assert_eq!(code, Some(78), "{settings:?} gave {output}");
        for remedy in remedies {
            assert!(output.contains(remedy), "{settings:?} gave no `{remedy}`: {output}");
        }
    }
}

#[test]
fn the_health_check_does_not_print_a_secret_either() {
    let launch = Launch::bare_component().arg("health");
    assert_eq!(run(launch, &[("LOG_DIR", "amqp://tester:hunter2@broker")]).0, Some(1));
}

#[test]
fn arguments_are_not_repeated() {
    let (code, output) = run(Launch::bare_component().arg("--password=hunter2"), &[]);
    assert_eq!(code, Some(64), "{output}");
}

#[test]
fn a_wrong_password_in_an_address_is_told_without_the_password() {
    let vhost = Node::shared().vhost();
    let url = address(&vhost, SECRET);
    let debug = ("LOG_CONSOLE_LEVEL", "DEBUG");
    let (code, output) = run(bare(&vhost), &[("RABBITMQ_URL", &url), ("RABBITMQ_MAX_RETRIES", "1"), debug]);
    assert_eq!(code, Some(69), "{output}");
    assert!(output.contains("RABBITMQ_PASSWORD"), "there is no remedy in {output}");
}

#[test]
fn a_broker_is_found_by_its_address_alone() {
    let test_bed = TestBed::on(Node::shared());
    let url = address(&test_bed.vhost, &test_bed.vhost.password);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), format!("{url}\n")).unwrap();
    for (name, value) in
        [("RABBITMQ_URL", &*url), ("RABBITMQ_HOST", &url), ("RABBITMQ_URL_FILE", file.path().to_str().unwrap())]
    {
        let echo = bare(&test_bed.vhost).env(name, value).start();
        echo.wait_until("it to hear its queue", SOON, || test_bed.client.consumers(HEARD) > 0);
        test_bed.assert_echoes(name);
        assert_eq!(echo.stop(SOON).code(), Some(0));
    }
}

/// The component without a word of where the broker is.
fn bare(vhost: &Vhost) -> Launch {
    let names = ["HOST", "PORT", "USERNAME", "PASSWORD", "VHOST"].map(|name| format!("RABBITMQ_{name}"));
    names.iter().fold(Launch::component(vhost), |launch, name| launch.without(name))
}

fn address(vhost: &Vhost, password: &str) -> String {
    let encoded = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"));
    let (username, password, name) = (encoded(&vhost.username), encoded(password), encoded(&vhost.name));
    format!("amqp://{username}:{password}@{}:{}/{name}?heartbeat=7", vhost.host, vhost.port)
}
