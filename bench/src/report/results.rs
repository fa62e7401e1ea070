//! All samples, by metric, contestant and round.

use std::collections::BTreeMap;

use super::Unit;
use crate::contestant::CEILING;

/// All samples.
#[derive(Debug, Default)]
pub(crate) struct Results {
    rows: Vec<Row>,
}

/// What is measured: a row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metric {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) unit: Unit,
}

/// The samples of one metric.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) metric: Metric,
    /// By contestant, then by round.
    samples: BTreeMap<String, BTreeMap<usize, f64>>,
}

impl Metric {
    pub(crate) fn new(group: &'static str, name: impl Into<String>, unit: Unit) -> Self {
        Self { group, name: name.into(), unit }
    }
}

impl Results {
    /// Stores a sample, and prints it as progress.
    pub(crate) fn record(&mut self, metric: Metric, contestant: &str, round: usize, value: f64) {
        let unit = metric.unit;
        eprintln!("  {}, {contestant}: {} {}", metric.name, unit.format(value), unit.symbol());
        let index = self.rows.iter().position(|row| row.metric == metric).unwrap_or_else(|| {
            self.rows.push(Row { metric, samples: BTreeMap::new() });
            self.rows.len() - 1
        });
        self.rows[index].samples.entry(contestant.to_owned()).or_default().insert(round, value);
    }

    /// All rows by group. Groups, and the rows of each, are in the order of their first samples.
    pub(crate) fn rows(&self) -> Vec<&Row> {
        let mut groups: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !groups.contains(&row.metric.group) {
                groups.push(row.metric.group);
            }
        }
        groups.iter().flat_map(|group| self.rows.iter().filter(move |row| row.metric.group == *group)).collect()
    }
}

impl Row {
    /// The samples of a contestant in the order of rounds.
    pub(crate) fn samples(&self, contestant: &str) -> Vec<f64> {
        self.samples.get(contestant).map(|rounds| rounds.values().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn median(&self, contestant: &str) -> Option<f64> {
        median(self.samples(contestant))
    }

    /// The median of the ratios to the ceiling. Each ratio compares samples of the same round.
    pub(crate) fn ratio(&self, contestant: &str) -> Option<f64> {
        let (ceiling, rounds) = (self.samples.get(CEILING)?, self.samples.get(contestant)?);
        let ratio = |(round, value): (&usize, &f64)| ceiling.get(round).map(|ceiling| value / ceiling);
        median(rounds.iter().filter_map(ratio).collect())
    }

    /// Whether the table contains ratios to the ceiling for this unit.
    pub(crate) fn has_ratios(&self) -> bool {
        matches!(self.metric.unit, Unit::Rate | Unit::Microseconds)
    }

    /// The range of a contestant's samples, as a fraction of their median.
    pub(crate) fn spread(&self, contestant: &str) -> Option<f64> {
        let samples = self.samples(contestant);
        let min = samples.iter().copied().reduce(f64::min)?;
        let max = samples.iter().copied().reduce(f64::max)?;
        Some((max - min) / median(samples)?)
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of_three_rounds() -> Row {
        let mut results = Results::default();
        for (round, (ceiling, other)) in [(100.0, 90.0), (10.0, 9.0), (50.0, 25.0)].into_iter().enumerate() {
            let metric = || Metric::new("throughput", "100 B", Unit::Rate);
            results.record(metric(), CEILING, round, ceiling);
            results.record(metric(), "other", round, other);
        }
        assert_eq!(results.rows().len(), 1);
        results.rows.remove(0)
    }

    #[test]
    fn ratios_compare_samples_of_the_same_round() {
        let row = row_of_three_rounds();
        assert_eq!(row.ratio("other"), Some(0.9));
        assert_eq!(row.ratio("unknown"), None);
    }

    #[test]
    fn the_median_ignores_the_order_of_rounds() {
        assert_eq!(row_of_three_rounds().median("other"), Some(25.0));
    }

    #[test]
    fn the_spread_is_relative_to_the_median() {
        assert_eq!(row_of_three_rounds().spread(CEILING), Some(1.8));
    }
}
