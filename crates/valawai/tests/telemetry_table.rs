//! The table of docs/telemetry.md has what the code has.

use valawai::internals::telemetry::table::METRICS;

#[test]
fn the_document_has_all_metrics_with_their_types_and_meanings_in_order() {
    let document = include_str!("../../../docs/telemetry.md");
    let rows = document.lines().filter(|line| line.starts_with("| `valawai_") || line.starts_with("| `process_"));
    let cells =
        |row: &'static str| row.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    let documented: Vec<Vec<&str>> = rows.map(cells).collect();
    for (documented, row) in documented.iter().zip(METRICS) {
        assert_eq!((documented[0], documented[1]), (&*row.name(), row.kind.text()), "a row is not that of table.rs");
        let meaning = row.help.trim_end_matches('.').to_lowercase();
        assert_eq!(documented[2].to_lowercase(), meaning, "the meaning of {} is another one", row.name());
    }
    assert_eq!(documented.len(), METRICS.len(), "docs/telemetry.md has other metrics than telemetry/table.rs");
}

#[test]
fn names_have_the_prefix_and_base_units() {
    for row in METRICS {
        let name = row.name();
        assert!(name.starts_with("valawai_") || name.starts_with("process_"), "{name}");
        let has_other_unit = ["_ms", "_us", "_kb", "milli", "micro"].iter().any(|unit| name.contains(unit));
        assert!(!has_other_unit && row.help.ends_with('.'), "{name}: {}", row.help);
    }
}
