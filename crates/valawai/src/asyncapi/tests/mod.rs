//! Contracts that are read, and contracts that are not.

mod hostile;
mod report;
mod schemas;
mod validation;

use super::*;

const CONTRACT: &str = "
channels:
  valawai/c1/echo/data/input: { subscribe: { message: { $ref: '#/components/messages/echo' } } }
  valawai/c1/echo/data/output: { publish: { message: { $ref: '#/components/messages/echo' } } }
components: { messages: { echo: { payload: { properties: { content: { type: string } } } } } }
";

/// The errors and the warnings of `text`.
fn findings(text: &str) -> (Vec<Finding>, Vec<Finding>) {
    match Contract::parse(text) {
        Ok(contract) => (Vec::new(), contract.warnings),
        Err(errors) => (errors, Vec::new()),
    }
}

/// Fails unless `findings` is one finding of this line with this text; for line 0, unless there is none.
#[track_caller]
fn assert_only(findings: &[Finding], line: usize, expected: &str, text: &str) {
    match findings {
        [] if line == 0 => (),
        [finding] if finding.line == line && finding.text.contains(expected) => (),
        others => panic!("{text}: expected {expected:?} in line {line}, found {others:#?}"),
    }
}

#[test]
fn a_contract_has_a_name_a_level_and_channels_with_directions() {
    let contract = Contract::parse(CONTRACT).unwrap();
    assert_eq!(contract.component_name(), "c1_echo");
    assert_eq!(contract.level(), Level::C1);
    assert_eq!(contract.channel("data/input").unwrap().direction, Direction::Consume);
    assert_eq!(contract.channel("data/output").unwrap().direction, Direction::Publish);
    assert!(contract.channel("data/other").is_none());
}

#[test]
fn an_output_that_matches_an_own_input_is_a_warning() {
    let (errors, warnings) = findings(CONTRACT);
    assert!(errors.is_empty(), "{errors:?}");
    assert_only(&warnings, 5, "the MOV connects the component with itself, disabled", CONTRACT);
}

#[test]
fn errors_name_the_line_and_what_the_mov_does() {
    for (text, line, expected) in [
        ("a: [", 1, "not valid YAML"),
        ("", 1, "the file is empty"),
        ("# nothing", 1, "the file is empty"),
        ("channels: {}", 1, "no channels"),
        ("\nchannels: 5", 2, "no channels"),
        ("channels:", 1, "no channels"),
        ("channels:\n  nonsense: { publish: {} }", 2, "`nonsense` is not a channel name"),
        ("channels:\n  5: { publish: {} }", 2, "`5` is not a channel name"),
        ("channels:\n  valawai/c1/a/data/x: { }", 2, "neither `publish`"),
        ("channels:\n  valawai/c1/a/data/x:", 2, "neither `publish`"),
        ("channels:\n  valawai/c1/a/data/x: 5", 2, "not a map"),
        ("channels:\n  valawai/c1/a/data/x: { $ref: '#/x' }", 2, "does not follow the reference of a channel"),
        ("channels:\n  valawai/c1/a/data/x:\n    publish:", 3, "there is no `message`"),
        ("channels: {}\n---\nchannels: {}", 2, "a second YAML document"),
        ("channels: !java/object {}", 1, "a tag that the MOV does not know"),
        ("!", 1, "a tag that the MOV does not know"),
        ("channels: {}\nx: \u{7}", 2, "not allowed in YAML"),
        ("asyncapi: 3.0.0\nchannels: { in: { address: a, messages: { m: { payload: {} } } } }", 1, "reads AsyncAPI 2"),
    ] {
        let (errors, _) = findings(text);
        assert_only(&errors, line, expected, text);
    }
}

#[test]
fn all_errors_are_reported_together_and_in_order() {
    let text = "channels:
  valawai/c1/a/data/x: { subscribe: { message: { payload: { type: object } } } }
  valawai/c1/b/data/x: { subscribe: { message: { $ref: '#/nowhere' } } }
";
    let (errors, _) = findings(text);
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [2, 3, 3], "{errors:#?}");
    assert!(errors.iter().any(|error| error.text.contains("belongs to a different component")), "{errors:#?}");
}

#[test]
fn what_the_mov_ignores_is_a_warning() {
    let rest = "channels: { valawai/c1/a/data/x: { subscribe: { message: { payload: { properties: {} } } } } }";
    for (text, line, expected) in [
        ("info: { version: 1.0 }", 1, "write \"1.0\""),
        ("info: { version: 1.0.0 }", 0, ""),
        ("info: { version: 2026-01-31 }", 1, "`info.version` is not a text"),
        ("info:\n  description: [a]", 2, "`info.description` is not a text"),
        ("a: 1\nb: 2\na: 3", 3, "`a` is also in line 1"),
        ("a: &a { b: 1 }\nc: { <<: *a, b: 2 }", 0, ""),
        ("servers: { $ref: 'other.yaml#/x' }", 1, "does not resolve"),
        ("asyncapi: 3.0.0", 0, ""),
    ] {
        let text = format!("{text}\n{rest}");
        let (errors, warnings) = findings(&text);
        assert!(errors.is_empty(), "{text}: {errors:#?}");
        assert_only(&warnings, line, expected, &text);
    }
}
