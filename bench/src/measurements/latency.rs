//! Latency of small persistent messages: with one in flight, and at half of the ceiling's throughput.

use std::time::Duration;

use anyhow::Result;

use crate::bench::Bench;
use crate::contestant::Contestant;
use crate::load::{Probe, Queues};
use crate::report::{Metric, Results, Unit};
use crate::workload::Workload;

const GROUP: &str = "latency";

const SIZE: usize = 100;

/// Echoes with one message in flight: those before the measurement, and those that are measured.
const WARM_UP_COUNT: u64 = 50;
const COUNT: u64 = 2_000;

/// The same for contestants that always log, whose echoes take milliseconds.
const LOGGING_WARM_UP_COUNT: u64 = 5;
const LOGGING_COUNT: u64 = 60;

/// How long messages are published at half load.
const HALF_LOAD_DURATION: Duration = Duration::from_millis(1_500);

/// The part of the echoes at half load that is discarded as warm-up.
const WARM_UP_DIVISOR: usize = 5;

const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub(super) fn measure_latency(bench: &Bench, results: &mut Results) -> Result<()> {
    let half_load = half_of_ceiling(bench)?;
    for round in 0..bench.rounds {
        for contestant in bench.rotated(round) {
            measure(bench, contestant, half_load, round, results)?;
        }
    }
    Ok(())
}

fn measure(bench: &Bench, contestant: &Contestant, half_load: f64, round: usize, results: &mut Results) -> Result<()> {
    let address = bench.address();
    let mut queues = Queues::connect(&address)?;
    queues.reset(true)?;
    let process = contestant.start(&bench.start_options(&address, SIZE, contestant.always_logs()))?;
    queues.await_consumers(1)?;

    let mut probe = Probe::connect(&address, SIZE)?;
    let (warm_up_count, count) =
        if contestant.always_logs() { (LOGGING_WARM_UP_COUNT, LOGGING_COUNT) } else { (WARM_UP_COUNT, COUNT) };
    probe.one_by_one(warm_up_count)?;
    record(results, "one in flight", contestant, round, probe.one_by_one(count)?);

    if !contestant.slow {
        let mut latencies = probe.at_rate(half_load, HALF_LOAD_DURATION)?;
        let measured = latencies.split_off(latencies.len() / WARM_UP_DIVISOR);
        record(results, "at half load", contestant, round, measured);
    }
    Ok(process.stop()?)
}

fn record(results: &mut Results, load: &str, contestant: &Contestant, round: usize, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    for (name, fraction) in PERCENTILES {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let index = (latencies.len() as f64 * fraction) as usize;
        if let Some(latency) = latencies.get(index) {
            let metric = Metric::new(GROUP, format!("{load}, {name}"), Unit::Microseconds);
            results.record(metric, &contestant.name, round, latency.as_secs_f64() * 1e6);
        }
    }
}

/// Half of the ceiling's throughput, in messages per second.
fn half_of_ceiling(bench: &Bench) -> Result<f64> {
    let workload = Workload { size: SIZE, persistent: true, logs: false, count: 20_000 };
    Ok(bench.run(bench.ceiling(), workload, Duration::from_secs(5))?.rate / 2.0)
}
