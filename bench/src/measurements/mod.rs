//! The measurements.

mod alone;
mod backlog;
mod cost;
mod latency;
mod scaling;
mod source;
mod throughput;

use anyhow::Result;

use crate::bench::Bench;
use crate::report::Results;

pub(crate) use throughput::WORKLOADS;

/// A measurement that `--only` can select by its name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measurement {
    pub(crate) name: &'static str,
    /// Whether it is part of `--quick`.
    pub(crate) quick: bool,
    /// Runs all rounds of it.
    pub(crate) run: fn(&Bench, &mut Results) -> Result<()>,
}

/// The name of the measurement that runs [`WORKLOADS`], and of the group of its results.
pub(crate) const THROUGHPUT: &str = "throughput";

/// All measurements in the order in which they run.
pub(crate) const MEASUREMENTS: [Measurement; 7] = [
    Measurement { name: THROUGHPUT, quick: true, run: throughput::measure_throughput },
    Measurement { name: "source", quick: false, run: source::measure_source },
    Measurement { name: "latency", quick: false, run: latency::measure_latency },
    Measurement { name: "cost", quick: true, run: cost::measure_cost },
    Measurement { name: "alone", quick: true, run: alone::measure_alone },
    Measurement { name: "backlog", quick: false, run: backlog::measure_backlog },
    Measurement { name: "scaling", quick: false, run: scaling::measure_scaling },
];
