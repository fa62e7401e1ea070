//! All samples, for other programs.

use serde_json::{Value, json};

use super::Results;
use crate::machine::Machine;

/// All results as JSON.
pub(crate) fn json(results: &Results, contestants: &[&str], machine: &Machine) -> Value {
    let rows: Vec<Value> = results
        .rows()
        .iter()
        .map(|row| {
            let figures = contestants.iter().filter_map(|contestant| {
                let figure = json!({
                    "median": row.median(contestant)?,
                    "ratio": row.ratio(contestant),
                    "samples": row.samples(contestant),
                });
                Some(((*contestant).to_owned(), figure))
            });
            json!({
                "group": row.group,
                "name": row.name,
                "unit": row.unit,
                "contestants": figures.collect::<serde_json::Map<String, Value>>(),
            })
        })
        .collect();
    json!({ "machine": machine, "measurements": rows })
}
