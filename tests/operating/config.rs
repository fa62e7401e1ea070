//! `config`: the effective settings.

use std::fs;

use serde_json::Value;
use testkit::ProcessBuilder;

use super::objects;
use crate::test_bed::SOON;

fn config(builder: &ProcessBuilder, arguments: &str) -> testkit::Finished {
    arguments.split(' ').fold(builder.clone().arg("config"), ProcessBuilder::arg).run(SOON)
}

#[test]
fn all_settings_are_shown_with_their_sources_and_without_secrets() {
    let builder = ProcessBuilder::component_without_settings().env("WORKERS", 2);
    let secret = builder.directory().join("password");
    fs::write(&secret, "hunter2\n").unwrap();
    let builder = builder.env("RABBITMQ_PASSWORD_FILE", secret.display()).env("MOV_URL", "");
    let shown = objects(&config(&builder, "show --json").stdout);
    let setting = |name: &str| shown.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    let fields = |name: &str| (setting(name)["value"].clone(), setting(name)["source"].clone());
    assert_eq!(fields("WORKERS"), (Value::from("2"), Value::from("the environment")));
    assert_eq!(fields("RABBITMQ_PREFETCH"), (Value::from("1024"), Value::from("default")));
    assert_eq!(
        fields("RABBITMQ_PASSWORD"),
        (Value::from("***"), Value::from("the file that RABBITMQ_PASSWORD_FILE names"))
    );
    assert_eq!(fields("MOV_URL"), (Value::from(""), Value::from("default")));
    let people = config(&builder, "show --sources").stdout;
    assert!(people.contains("RABBITMQ_PASSWORD") && !people.contains("hunter2"), "{people}");
    assert!(!config(&builder, "show").stdout.contains("the environment"), "the sources were not asked for");
    let url =
        config(&builder.clone().env("RABBITMQ_PASSWORD_FILE", ""), "show --json --broker amqp://me:hunter2@mq:1/x");
    assert!(url.stdout.contains(r#""value":"mq","source":"RABBITMQ_URL, on the command line""#), "{url:?}");
    assert!(!url.stdout.contains("hunter2"), "the password is in {url:?}");
}

#[test]
fn one_setting_is_printed_for_scripts() {
    let builder = ProcessBuilder::component_without_settings().env("RABBITMQ_HOST", "mq-1,mq-2");
    for (arguments, code, expected) in [
        ("get RABBITMQ_HOST", 0, "mq-1,mq-2\n"),
        ("get rabbitmq_host --sources", 0, "mq-1,mq-2  (the environment)\n"),
        ("get WORKERS", 0, "1\n"),
        ("get NO_SUCH", 1, ""),
        ("get", 64, ""),
        ("watch", 1, ""),
    ] {
        let finished = config(&builder, arguments);
        assert_eq!((finished.code, &*finished.stdout), (Some(code), expected), "`{arguments}`: {finished:?}");
    }
    let finished = config(&builder.env("WORKERS", "many"), "show");
    assert!(finished.code == Some(78) && finished.stderr.contains("WORKERS: expected"), "{finished:?}");
}
