//! `check` and `asyncapi`: the contract, without a broker.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use testkit::{Finished, ProcessBuilder};

use super::{assert_no_control_characters, objects};
use crate::test_bed::{INPUT, NAME, SOON};

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/asyncapi.yaml");

/// Runs the component's program without any setting.
fn run(arguments: &[&str]) -> Finished {
    arguments.iter().fold(ProcessBuilder::component_without_settings(), ProcessBuilder::arg).run(SOON)
}

/// Checks a contract that is in a file.
fn check(directory: &Path, contract: &str, options: &[&str]) -> Finished {
    let file = directory.join("contract.yaml");
    fs::write(&file, contract).unwrap();
    run(&[&["check", file.to_str().unwrap()], options].concat())
}

#[test]
fn the_programs_own_contract_is_described() {
    let finished = run(&["check"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for expected in [NAME, "C1", "version 1.0.0", "data/received_message", "consumes", "{content: string}", "notifies"]
    {
        assert!(finished.stdout.contains(expected), "{expected} is not in {}", finished.stdout);
    }
    let report = &objects(&run(&["check", "--json"]).stdout)[0];
    assert_eq!(
        (&report["component"], &report["level"], &report["notified"]),
        (&json!(NAME), &json!("C1"), &json!(true))
    );
    let schema = json!({"type": "OBJECT", "properties": {"content": {"type": "BASIC", "format": "STRING"}}});
    assert_eq!((&report["channels"][1]["name"], &report["channels"][1]["schema"]), (&json!(INPUT), &schema));
    assert_eq!(report["channels"][2]["directions"], json!(["publishes"]));
    // Echoing what it gets, it would be connected with itself.
    let text = report["warnings"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains("matches what `data/received_message` subscribes to"), "{text}");
}

#[test]
fn what_the_mov_refuses_or_ignores_is_an_error_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let original = fs::read_to_string(CONTRACT).unwrap();
    let line_of = |text: &str, part: &str| 1 + text.lines().position(|line| line.contains(part)).expect("the part");
    let reference = "#/components/messages/publish_message";
    for (from, to, expected) in [
        (reference, "#/components/messages/no_such", "does not resolve"),
        ("data/publish_message:", "data/publish-message:", "is not"),
        ("          api_version:", "          version_of_the_api:", "lacks `api_version`"),
        (
            "            type: string\n            minLength: 1\n            description: The text.",
            "            type: object",
            "an object without `properties`",
        ),
        ("control/registered:", "control/notice:", "there is no channel `control/registered`"),
    ] {
        let contract = original.replacen(from, to, 1);
        assert_ne!(contract, original, "{from} is not in the contract");
        let finished = check(directory.path(), &contract, &[]);
        assert_eq!(finished.code, Some(1), "{to}: {finished:?}");
        let error = finished.stdout.lines().find(|line| line.contains(": error: ")).unwrap_or_default();
        assert!(error.contains(expected), "{expected} is not in {}", finished.stdout);
        assert!(finished.stdout.contains("data/received_message"), "the other channels are missing: {finished:?}");
        if from == reference {
            let line = line_of(&contract, to);
            assert!(error.contains(&format!("contract.yaml:{line}: ")), "the line is not {line} in {error}");
        }
    }
    let report = check(directory.path(), "channels: 5", &["--json"]);
    let parsed: Value = objects(&report.stdout).remove(0);
    assert_eq!((report.code, &parsed["errors"][0]["line"], &parsed["component"]), (Some(1), &json!(1), &Value::Null));
}

#[test]
fn a_contract_with_defects_may_also_be_given_as_an_option() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("broken.yaml");
    fs::write(&file, "channels: {").unwrap();
    let finished = run(&["check", "--asyncapi", file.to_str().unwrap()]);
    assert!(finished.code == Some(1) && finished.stdout.contains("broken.yaml:1: error"), "{finished:?}");
    assert_eq!(run(&["check", "/no/such/file"]).code, Some(64));
}

#[test]
fn hostile_texts_of_a_contract_do_not_reach_the_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let contract = "info: { version: \"1\\e[2J\", description: \"\\e]0;title\\a\" }\nchannels: { \"\\e[2J\": {} }";
    for options in [&[][..], &["--json"]] {
        let finished = check(directory.path(), contract, options);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert_no_control_characters(&finished.stdout);
        assert_no_control_characters(&finished.stderr);
    }
    let binary = directory.path().join("binary.yaml");
    fs::write(&binary, b"\xff\x00\x1b[2J").unwrap();
    let finished = run(&["check", binary.to_str().unwrap()]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert_no_control_characters(&finished.stdout);
}

#[test]
fn the_contract_is_printed_as_it_is_and_as_json() {
    let finished = run(&["asyncapi"]);
    assert_eq!((finished.code, finished.stdout), (Some(0), fs::read_to_string(CONTRACT).unwrap()));
    let document = objects(&run(&["asyncapi", "--json"]).stdout).remove(0);
    assert_eq!(document["asyncapi"], "2.6.0");
    assert_eq!(document["channels"][INPUT]["subscribe"]["message"]["$ref"], "#/components/messages/received_message");
    let finished = run(&["asyncapi", "--component", "c0_other"]);
    assert!(finished.code == Some(64) && finished.stderr.contains("--asyncapi"), "{finished:?}");
}
