//! What a report says of a contract.

use serde_json::json;

use crate::asyncapi::sample;
use crate::asyncapi::{Direction, Report, document};

#[test]
fn a_report_has_the_component_its_channels_and_their_schemas() {
    let text =
        format!("info: {{ version: 1.2.3, description: a test }}\n{}", sample("c1/echo", &["subscribe data/input"]));
    let report = Report::of(&text);
    assert_eq!((report.component.as_deref(), report.version.as_deref()), (Some("c1_echo"), Some("1.2.3")));
    assert!(report.is_notified && report.errors.is_empty(), "{report:#?}");
    let input = &report.channels[1];
    assert_eq!((input.name.short(), &input.directions[..]), ("data/input", &[Direction::Consume][..]));
    assert_eq!(input.schema, Some(json!({"type": "OBJECT", "properties": {}})));
    assert!(report.channels[0].summary.as_deref().is_some_and(|it| it.starts_with("{api_version: string, channels")));
}

#[test]
fn a_report_of_a_refused_contract_still_has_its_channels() {
    let report = Report::of(
        "channels:
  valawai/c1/echo/data/input: { subscribe: { message: { payload: { type: object } } } }
  valawai/c1/echo/data/output: { publish: { message: { payload: { properties: { a: { type: string } } } } } }",
    );
    assert_eq!((report.channels.len(), report.errors.len(), report.is_notified), (2, 2, false), "{report:#?}");
    assert!(report.errors[0].text.contains("control/registered") && report.errors[1].line == 2, "{report:#?}");
    assert_eq!(report.channels[0].schema, None);
}

#[test]
fn a_document_is_converted_within_limits() {
    assert_eq!(
        document("a: [1, x, 2.50, true, null]\n5: &b {}\nc: *b"),
        Some(json!({
            "a": [1, "x", 2.5, true, null], "5": {}, "c": {}
        }))
    );
    let bomb: Vec<String> = (1..20)
        .map(|level| {
            let previous = level - 1;
            format!("a{level}: &a{level} [*a{previous}, *a{previous}, *a{previous}]")
        })
        .collect();
    let bomb = bomb.join("\n");
    assert_eq!(document(&format!("a0: &a0 [x, x, x, x]\n{bomb}")), None, "the aliases were replaced");
    assert_eq!(document("a: ["), None);
}
