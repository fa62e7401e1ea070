//! All samples as JSON.

use serde_json::{Map, Value, json};

use super::{Report, Row};

/// All results as JSON, indented.
pub(super) fn json(report: &Report<'_>) -> String {
    let measurements: Vec<Value> = report.results.rows().into_iter().map(|row| measurement(row, report)).collect();
    format!("{:#}\n", json!({ "machine": report.machine, "measurements": measurements }))
}

fn measurement(row: &Row, report: &Report<'_>) -> Value {
    let figures = report.contestants.iter().filter_map(|contestant| {
        let name = &contestant.name;
        let figures = json!({
            "median": row.median(name)?,
            "ratio": row.ratio(name),
            "samples": row.samples(name),
        });
        Some((name.clone(), figures))
    });
    json!({
        "group": row.metric.group,
        "name": row.metric.name,
        "unit": row.metric.unit,
        "contestants": figures.collect::<Map<String, Value>>(),
    })
}
