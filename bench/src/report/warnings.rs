//! Warnings about results that noise has made unreliable.

use super::{Results, Row};
use crate::contestant::CEILING;
use crate::environment::Machine;

/// On an otherwise idle machine, the samples of the ceiling differ by less than this fraction of their median.
const MAX_SPREAD: f64 = 0.25;

/// One line per warning, or a line that says that there are none.
pub(super) fn warnings(results: &Results, machine: &Machine) -> String {
    let mut text = String::new();
    if machine.was_busy() {
        text.push_str("NOISY MACHINE: other programs used the processor before the benchmark started.\n");
    }
    let noisy: Vec<String> = results.rows().into_iter().filter(|row| row.has_ratios()).filter_map(noise).collect();
    if !noisy.is_empty() {
        text.push_str("NOISY MACHINE: the ceiling varies widely between rounds (range relative to the median): ");
        text.push_str(&noisy.join(", "));
        text.push_str(".\n");
    }
    if text.is_empty() { "No noise detected.\n".to_owned() } else { text }
}

fn noise(row: &Row) -> Option<String> {
    let spread = row.spread(CEILING).filter(|spread| *spread > MAX_SPREAD)?;
    Some(format!("{}: {} ({:.0} %)", row.metric.group, row.metric.name, 100.0 * spread))
}
