//! `--only`: which measurements, contestants and workloads are run.

use anyhow::{Result, ensure};

use crate::contestant::Contestant;
use crate::measurements::{MEASUREMENTS, Measurement, THROUGHPUT, WORKLOADS};
use crate::workload::Workload;

/// What is run.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) measurements: Vec<Measurement>,
    /// Always includes the ceiling, as the first.
    pub(crate) contestants: Vec<Contestant>,
    /// The workloads of the throughput measurement.
    pub(crate) workloads: Vec<Workload>,
}

impl Selection {
    /// Selects what the words of `--only` name. Of a kind that no word names, everything is selected, or what `--quick`
    /// includes.
    pub(crate) fn new(words: &[String], quick: bool, available: &[Contestant]) -> Result<Self> {
        ensure_known(words, available)?;
        let any_word = |matches: &dyn Fn(&str) -> bool| words.iter().any(|word| matches(word));
        let names_workload = WORKLOADS.iter().any(|workload| any_word(&|word| workload.is_selected_by(word)));

        let measurements = select(
            &MEASUREMENTS,
            |measurement| any_word(&|word| measurement.name == word),
            |measurement| if names_workload { measurement.name == THROUGHPUT } else { measurement.quick || !quick },
        );
        let workloads = select(
            &WORKLOADS,
            |workload| any_word(&|word| workload.is_selected_by(word)),
            |workload| !quick || (workload.size == 100 && workload.persistent),
        );
        let mut contestants = select(
            available,
            |contestant| any_word(&|word| contestant.is_selected_by(word)),
            |contestant| !quick || !contestant.slow,
        );
        if !contestants.iter().any(Contestant::is_ceiling) {
            let ceiling = available.iter().find(|contestant| contestant.is_ceiling());
            contestants.splice(0..0, ceiling.cloned());
        }
        Ok(Self { measurements, contestants, workloads })
    }
}

/// Those of `all` that are named or, if none is named, those that are selected by default.
fn select<T: Clone>(all: &[T], is_named: impl Fn(&T) -> bool, is_default: impl Fn(&T) -> bool) -> Vec<T> {
    let any_named = all.iter().any(&is_named);
    let is_selected = |item: &&T| if any_named { is_named(item) } else { is_default(item) };
    all.iter().filter(is_selected).cloned().collect()
}

fn ensure_known(words: &[String], available: &[Contestant]) -> Result<()> {
    for word in words {
        let is_known = MEASUREMENTS.iter().any(|measurement| measurement.name == word)
            || available.iter().any(|contestant| contestant.is_selected_by(word))
            || WORKLOADS.iter().any(|workload| workload.is_selected_by(word));
        ensure!(
            is_known,
            "--only: unknown word {word:?}\n  measurements: {}\n  available contestants: {}\n  workloads: {}",
            list(MEASUREMENTS.iter().map(|measurement| measurement.name.to_owned())),
            list(available.iter().map(|contestant| contestant.name.clone())),
            list(WORKLOADS.iter().map(Workload::name)),
        );
    }
    Ok(())
}

fn list(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(" / ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::Role;

    /// Selects with the words of `only`, which are separated by slashes.
    fn selection(only: &str, quick: bool) -> Result<Selection> {
        let words: Vec<String> = only.split_terminator('/').map(str::to_owned).collect();
        let available = [
            Contestant::for_test("raw", Role::Ceiling, false),
            Contestant::for_test("c1_echo", Role::Component, false),
            Contestant::for_test("old", Role::Component, false),
            Contestant::for_test("pika", Role::Client, true),
        ];
        Selection::new(&words, quick, &available)
    }

    fn measurements(selection: &Selection) -> Vec<&str> {
        selection.measurements.iter().map(|measurement| measurement.name).collect()
    }

    fn contestants(selection: &Selection) -> Vec<&str> {
        selection.contestants.iter().map(|contestant| contestant.name.as_str()).collect()
    }

    fn workloads(selection: &Selection) -> Vec<String> {
        selection.workloads.iter().map(Workload::name).collect()
    }

    #[test]
    fn without_words_everything_is_selected() {
        let all = selection("", false).unwrap();
        assert_eq!(measurements(&all), ["throughput", "source", "latency", "cost", "alone", "backlog", "scaling"]);
        assert_eq!(contestants(&all), ["raw", "c1_echo", "old", "pika"]);
        assert_eq!(all.workloads.len(), WORKLOADS.len());
    }

    #[test]
    fn quick_leaves_out_what_is_slow() {
        let quick = selection("", true).unwrap();
        assert_eq!(measurements(&quick), ["throughput", "cost", "alone"]);
        assert_eq!(contestants(&quick), ["raw", "c1_echo", "old"]);
        assert_eq!(workloads(&quick), ["100 B, persistent", "100 B, persistent, two logs"]);
    }

    #[test]
    fn words_override_quick() {
        assert_eq!(measurements(&selection("latency", true).unwrap()), ["latency"]);
        assert_eq!(contestants(&selection("pika", true).unwrap()), ["raw", "pika"]);
    }

    #[test]
    fn c1_echo_selects_all_components() {
        assert_eq!(contestants(&selection("c1_echo", false).unwrap()), ["raw", "c1_echo", "old"]);
        assert_eq!(contestants(&selection("old", false).unwrap()), ["raw", "old"]);
    }

    #[test]
    fn a_full_name_selects_one_workload() {
        assert_eq!(workloads(&selection("64 KiB, persistent", false).unwrap()), ["64 KiB, persistent"]);
        assert_eq!(workloads(&selection("100 B, persistent", false).unwrap()), ["100 B, persistent"]);
    }

    #[test]
    fn a_part_of_a_name_selects_all_workloads_with_it() {
        assert_eq!(workloads(&selection("64 KiB", false).unwrap()), ["64 KiB, persistent", "64 KiB, transient"]);
        let persistent = workloads(&selection("persistent", false).unwrap());
        assert_eq!(persistent.len(), 5);
        assert!(persistent.iter().all(|name| name.contains("persistent")));
    }

    #[test]
    fn a_workload_without_a_measurement_selects_throughput() {
        assert_eq!(measurements(&selection("64 KiB", false).unwrap()), ["throughput"]);
        assert_eq!(measurements(&selection("64 KiB/cost", false).unwrap()), ["cost"]);
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        let error = selection("throughput/c2_echo", false).unwrap_err().to_string();
        assert!(error.contains("c2_echo") && error.contains("64 KiB, persistent"), "{error}");
        assert!(selection("persistent, two logs", false).is_err());
        assert!(selection("throughput//latency", false).is_err());
    }
}
