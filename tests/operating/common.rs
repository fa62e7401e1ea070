//! What all commands have in common: exit codes, secrets, help, completions, interruption.

use std::net::TcpListener;
use std::time::Duration;

use testkit::{Finished, Node, ProcessBuilder, Signal};

use super::{assert_no_control_characters, command, run, run_with_code};
use crate::test_bed::{INPUT, SOON, TestBed};

#[test]
fn a_typing_error_is_a_usage_error_with_a_suggestion() {
    let vhost = Node::shared().vhost();
    let finished = run_with_code(&vhost, "inspekt queue", 64);
    assert!(finished.stderr.contains("'inspect'") && finished.stdout.is_empty(), "{finished:?}");
    let finished = run_with_code(&vhost, "inspect queue --cout 5 --broker amqp://me:hunter2@mq", 64);
    assert!(finished.stderr.contains("--count"), "{finished:?}");
}

#[test]
fn a_filter_that_does_not_parse_is_a_usage_error() {
    let finished = run_with_code(&Node::shared().vhost(), "inspect queue --where content", 64);
    assert!(finished.stderr.contains("content=hello"), "no example in {finished:?}");
}

#[test]
fn a_broker_that_is_down_is_reported_with_the_remedy_and_without_the_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let builder = ProcessBuilder::component_without_settings().arg("inspect").arg("queue");
    let finished = builder.arg("--broker").arg(format!("amqp://me:hunter2@127.0.0.1:{port}")).run(SOON);
    assert_eq!(finished.code, Some(69), "{finished:?}");
    assert!(finished.stderr.contains("check RABBITMQ_HOST"), "no remedy in {finished:?}");
    assert!(!finished.stderr.contains("hunter2"), "the password is in {finished:?}");
}

#[test]
fn a_broker_that_accepts_connections_and_never_answers_is_given_up_after_five_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let builder = ProcessBuilder::component_without_settings().env("RABBITMQ_HOST", "127.0.0.1");
    let finished = builder.env("RABBITMQ_PORT", port).arg("inspect").arg("queue").run(SOON);
    assert_eq!(finished.code, Some(69), "{finished:?}");
    assert!((5..10).contains(&finished.after.as_secs()), "given up after {:?}", finished.after);
}

#[test]
fn an_invalid_url_is_a_usage_error_that_does_not_repeat_it() {
    for url in ["amqps://me:hunter2@mq:x", "amqp://me:hunter2@mq:0", "me:hunter2@mq", "amqp://me:hunter2@a\u{1b}[2J"] {
        let with_equals = format!("--count={url}");
        for arguments in [
            &["inspect", "queue", "--broker", url][..],
            &[url],
            &["inspect", "queue", url],
            &["inspect", "queue", "--count", url],
            &["inspect", "queue", &with_equals],
        ] {
            let builder = arguments.iter().fold(ProcessBuilder::component_without_settings(), ProcessBuilder::arg);
            let finished = builder.run(SOON);
            assert_eq!(finished.code, Some(64), "{finished:?}");
            let is_named = !arguments.contains(&"--broker") || finished.stderr.contains("--broker: expected");
            assert!(is_named && !finished.stderr.contains("hunter2"), "{finished:?}");
        }
    }
    let finished = ProcessBuilder::component_without_settings().arg("\u{1b}[2J").run(SOON);
    assert_no_control_characters(&finished.stderr);
}

#[test]
fn invalid_settings_are_reported_unless_the_command_does_not_use_them() {
    let vhost = Node::shared().vhost();
    let finished = command(&vhost, "inspect queue").env("RABBITMQ_PORT", "x").run(SOON);
    assert_eq!(finished.code, Some(78), "{finished:?}");
    let finished = command(&vhost, "inspect queue").env("LOG_FILE_LEVEL", "LOUD").run(SOON);
    assert_eq!(finished.code, Some(1), "a setting of the log stopped the command: {finished:?}");
}

#[test]
fn the_url_of_the_command_line_replaces_the_settings() {
    let vhost = Node::shared().vhost();
    let url = format!("amqp://{}:{}@{}:{}/{}", vhost.username, vhost.password, vhost.host, vhost.port, vhost.name);
    let test_bed = TestBed::in_vhost(vhost);
    test_bed.publish("hello");
    let builder = ProcessBuilder::component_without_settings().env("RABBITMQ_HOST", "nowhere.invalid");
    let finished = builder.arg("--broker").arg(url).arg("inspect").arg("data/received_message").run(SOON);
    assert!(finished.code == Some(0) && finished.stdout.contains("hello"), "{finished:?}");
}

#[test]
fn run_and_health_take_no_options() {
    for arguments in ["--json", "run --dry-run", "health --yes"] {
        let builder = arguments.split(' ').fold(ProcessBuilder::component_without_settings(), ProcessBuilder::arg);
        let finished = builder.run(SOON);
        assert_eq!(finished.code, Some(64), "{arguments}: {finished:?}");
    }
}

#[test]
fn the_program_for_all_components_has_the_commands_but_neither_run_nor_health() {
    let vhost = Node::shared().vhost();
    let test_bed = TestBed::in_vhost(vhost.clone());
    test_bed.publish("hello");
    let valawai = |arguments: &str| arguments.split(' ').fold(ProcessBuilder::operator(&vhost), ProcessBuilder::arg);
    let finished = valawai("inspect data/received_message --component c1_echo_example_with_rust_and_amiquip").run(SOON);
    assert!(finished.code == Some(0) && finished.stdout.contains("hello"), "{finished:?}");
    let file = format!("{}/asyncapi.yaml", env!("CARGO_MANIFEST_DIR"));
    let finished = valawai(&format!("inspect received_message --asyncapi {file}")).run(SOON);
    assert!(finished.code == Some(0) && finished.stdout.contains("hello"), "{finished:?}");
    for arguments in ["run", "health", "inspect x --component echo", "inspect x --asyncapi /no/such/file"] {
        let finished = valawai(arguments).run(SOON);
        assert_eq!(finished.code, Some(64), "{arguments}: {finished:?}");
    }
}

#[test]
fn completions_and_the_manual_page_list_the_commands() {
    let vhost = Node::shared().vhost();
    for arguments in ["completions bash", "completions zsh", "completions fish", "man"] {
        let Finished { stdout, .. } = run_with_code(&vhost, arguments, 0);
        assert!(stdout.contains("inspect") && stdout.contains("completions"), "`{arguments}` printed {stdout}");
    }
    assert_eq!(run(&vhost, "completions powershell").code, Some(64));
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.publish_numbered(2000);
    let program = command(&test_bed.vhost, "inspect data/received_message --json -n 2000");
    let finished = program.piped_into("head -n 1").run(SOON);
    assert_eq!((finished.code, finished.stdout.lines().count()), (Some(0), 1), "{finished:?}");
    assert_eq!(finished.stderr, "", "an error was printed");
    testkit::wait_until("all messages to be back", SOON, || test_bed.client.depth(INPUT) == 2000);
}

#[test]
fn a_broker_that_freezes_in_the_middle_ends_a_command_with_a_clear_word() {
    let node = Node::start();
    let test_bed = TestBed::on(&node);
    test_bed.publish_numbered(20_000);
    let process = command(&test_bed.vhost, "inspect data/received_message --json -n 20000").start();
    process.wait_output("\"format\"", SOON);
    node.freeze();
    let exit = process.wait_exit(Duration::from_secs(30));
    node.thaw();
    let output = process.output();
    assert!(matches!(exit.code(), Some(69 | 75)), "it exited with {:?}", exit.code());
    assert!(output.contains("frozen") || output.contains("connection to the broker was lost"), "no reason is given");
}

#[test]
fn ctrl_c_ends_a_command_and_nothing_is_lost() {
    let test_bed = TestBed::on(Node::shared());
    test_bed.publish_numbered(20_000);
    let process = command(&test_bed.vhost, "inspect data/received_message -n 20000").start();
    process.wait_output("content", SOON);
    process.signal(Signal::SIGINT);
    assert_eq!(process.wait_exit(SOON).code(), Some(130), "{}", process.output().lines().last().unwrap_or_default());
    let summary = process.output().lines().last().unwrap_or_default().to_owned();
    assert!(summary.contains("of 20000 messages"), "it did not say what was done: {summary}");
    assert!(!summary.starts_with("20000 of"), "it went on to the end: {summary}");
    testkit::wait_until("all messages to be back", SOON, || test_bed.client.depth(INPUT) == 20_000);
    let first = test_bed.client.get(INPUT).expect("a message");
    assert_eq!(first.message_id(), Some("0"), "the messages lost their places");
}
