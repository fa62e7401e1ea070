//! All samples, by what was measured, contestant and round.

use std::collections::BTreeMap;

use super::Unit;
use crate::contestant::CEILING;

/// All samples.
#[derive(Debug, Default)]
pub(crate) struct Results {
    rows: Vec<Row>,
}

/// One thing that was measured.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) name: String,
    pub(crate) unit: Unit,
    samples: BTreeMap<&'static str, BTreeMap<usize, f64>>,
}

impl Results {
    /// Notes one sample, and says so.
    pub(crate) fn note(
        &mut self,
        group: &'static str,
        name: &str,
        unit: Unit,
        contestant: &'static str,
        round: usize,
        value: f64,
    ) {
        eprintln!("  {name}, {contestant}: {} {}", unit.write(value), unit.name());
        let found = self.rows.iter().position(|row| row.group == group && row.name == name);
        let place = found.unwrap_or_else(|| {
            self.rows.push(Row { group, name: name.to_owned(), unit, samples: BTreeMap::new() });
            self.rows.len() - 1
        });
        self.rows[place].samples.entry(contestant).or_default().insert(round, value);
    }

    /// Everything that was measured, in the order of groups and, in them, of time.
    pub(crate) fn rows(&self) -> Vec<&Row> {
        let mut groups: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !groups.contains(&row.group) {
                groups.push(row.group);
            }
        }
        groups.iter().flat_map(|group| self.rows.iter().filter(move |row| row.group == *group)).collect()
    }
}

impl Row {
    /// The samples of a contestant, in the order of rounds.
    pub(crate) fn samples(&self, contestant: &str) -> Vec<f64> {
        self.samples.get(contestant).map(|rounds| rounds.values().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn median(&self, contestant: &str) -> Option<f64> {
        median(self.samples(contestant))
    }

    /// The median of the ratios to the ceiling, each within one round.
    pub(crate) fn ratio(&self, contestant: &str) -> Option<f64> {
        let (ceiling, rounds) = (self.samples.get(CEILING)?, self.samples.get(contestant)?);
        let ratio = |(round, value): (&usize, &f64)| ceiling.get(round).map(|ceiling| value / ceiling);
        median(rounds.iter().filter_map(ratio).collect())
    }

    /// Whether the ratios to the ceiling say anything.
    pub(crate) fn has_ratios(&self) -> bool {
        matches!(self.unit, Unit::Rate | Unit::Microseconds)
    }

    /// How far apart a contestant's rounds are: the widest difference, as a part of the median.
    pub(crate) fn spread(&self, contestant: &str) -> Option<f64> {
        let samples = self.samples(contestant);
        let (least, most) =
            samples.iter().fold((f64::MAX, f64::MIN), |(least, most), value| (value.min(least), value.max(most)));
        Some((most - least) / median(samples)?)
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
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

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut results = Results::default();
        for (round, (ceiling, other)) in [(100.0, 90.0), (10.0, 9.0), (50.0, 25.0)].into_iter().enumerate() {
            results.note("speed", "small", Unit::Rate, CEILING, round, ceiling);
            results.note("speed", "small", Unit::Rate, "other", round, other);
        }
        let rows = results.rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].ratio("other"), Some(0.9));
        assert_eq!(rows[0].median("other"), Some(25.0));
        assert_eq!(rows[0].spread(CEILING), Some(1.8));
        assert_eq!(rows[0].ratio("nobody"), None);
    }
}
