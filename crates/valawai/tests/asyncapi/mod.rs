//! Files with one defect each, and files without: what `check` says about them, and that the MOV's simulator agrees.

mod simulator;

use std::fs;
use std::path::Path;

use serde_json::Value;

use valawai::internals::asyncapi::{Contract, Direction};
use valawai::{Component, Context, Output};

/// A file with a defect.
struct Broken {
    file: &'static str,
    /// What `check` says, and for which line.
    line: usize,
    says: &'static str,
    /// What the MOV does.
    outcome: Outcome,
}

/// What the MOV does with a defect.
enum Outcome {
    /// It refuses the component, for a reason that contains this text.
    Refused(&'static str),
    /// It registers the component, but never sends the notice.
    NotNotified,
    /// It registers the component, but never connects `data/question`.
    NotConnected,
    /// It connects the channel `data/answer`, but forwards nothing after its first message.
    NotForwarded,
    /// It registers the C2, but never sends it the messages of others.
    NotSent,
}

use Outcome::{NotConnected, NotForwarded, NotNotified, NotSent, Refused};

const BROKEN: [Broken; 22] = [
    broken("no_channels", 6, "no channels", Refused("no `channels` map")),
    broken("aliases", 7, "more than 50 aliases", Refused("more than 50 aliases")),
    broken("object_without_properties", 26, "an object without `properties`", Refused("without `properties`")),
    broken("any_type", 26, "a schema without a type", Refused("without `properties`")),
    broken("nullable", 25, "a `type` that is not one name", Refused("a `type` that is not a string")),
    broken("const_number", 26, "a `const` that is not a text", Refused("a `const` that is not a string")),
    broken("enum_text", 26, "an `enum` that is not a list", Refused("an `enum` that is not a list")),
    broken(
        "payload_reference",
        26,
        "the reference `details.yaml#/details` does not resolve",
        Refused("without `properties`"),
    ),
    broken("endless_array", 21, "contains itself", Refused("contains itself")),
    broken("null_field", 31, "the field `answer` has no schema", Refused("has no schema")),
    broken("registered_field", 33, "lacks `api_version`", NotNotified),
    broken("registered_array", 33, "the payload of `control/registered` is not an object", NotNotified),
    broken("no_message", 12, "there is no `message`", NotConnected),
    broken("message_reference", 14, "the reference `#/components/messages/qestion` does not resolve", NotConnected),
    broken("message_chain", 14, "a reference to a message that is a reference itself", NotConnected),
    broken("message_choice", 13, "a choice of messages", NotConnected),
    broken("version_3", 2, "reads AsyncAPI 2", NotConnected),
    broken("published_text", 28, "ends the MOV's forwarding", NotForwarded),
    broken("sent_order", 28, "write `source` before `target`", NotSent),
    broken("sent_timestamp", 33, "`timestamp` of `control/sent_question` must be an integer", NotSent),
    broken("sent_field", 28, "lacks `connection_id`", NotSent),
    broken("sent_type", 22, "`type` with `enum: [C0, C1, C2]`", NotSent),
];

const fn broken(file: &'static str, line: usize, says: &'static str, outcome: Outcome) -> Broken {
    Broken { file, line, says, outcome }
}

const GOOD: [&str; 5] = ["c0_sensor", "c1_answers", "c1_echo", "c1_references", "c2_watches"];

fn read(folder: &str, file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/asyncapi/{folder}/{file}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// A component that uses each channel of a valid contract.
fn component_of(text: &'static str) -> Component {
    let contract = Contract::parse(text).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
    let ignore = |_: Value, _: &Context| Ok(());
    let mut component = Component::new("1.0.0", text);
    for channel in contract.channels() {
        let short: &'static str = channel.name.short().to_owned().leak();
        component = match channel.direction {
            Direction::Consume if short == "control/registered" => component,
            Direction::Consume => component.on(short).consume(ignore),
            Direction::Publish => component.sends(Output::new(short)),
        };
    }
    component
}

#[test]
fn each_defect_is_found_with_its_line() {
    for Broken { file, line, says, .. } in BROKEN {
        let component = Component::new("1.0.0", read("broken", file).leak());
        let errors = component.check().map(drop).expect_err(file).to_string();
        // The component uses no channels, which is reported as well.
        let findings: Vec<&str> = errors.lines().filter(|line| line.starts_with("- asyncapi.yaml:")).collect();
        let [finding] = findings[..] else { panic!("{file}.yaml has one defect, not these: {errors}") };
        assert!(
            finding.starts_with(&format!("- asyncapi.yaml:{line}: ")),
            "{file}.yaml, not in line {line}: {finding}"
        );
        assert!(finding.contains(says), "{file}.yaml: {says:?} is not in {finding}");
    }
}

#[test]
fn the_good_files_pass() {
    for file in GOOD {
        let resolved = component_of(read("good", file).leak()).check();
        let resolved = resolved.unwrap_or_else(|errors| panic!("{file}.yaml is good: {errors}"));
        match (file, resolved.warnings()) {
            ("c1_echo", [warning]) => {
                assert!(warning.contains("the MOV connects the component with itself"), "{warning}");
            }
            (_, warnings) => assert!(warnings.is_empty(), "{file}.yaml deserves no warnings: {warnings:?}"),
        }
    }
}

#[test]
fn each_broken_file_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asyncapi/broken");
    for entry in fs::read_dir(folder).expect("the folder of the broken files").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_listed = BROKEN.iter().any(|broken| format!("{}.yaml", broken.file) == name);
        assert!(is_listed, "{name} is in no test");
    }
}
