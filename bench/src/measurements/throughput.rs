//! Throughput: messages are published first, then echoed as fast as possible.

use std::time::Duration;

use anyhow::Result;

use super::THROUGHPUT;
use crate::bench::{Bench, Run};
use crate::contestant::Contestant;
use crate::report::{Metric, Results, Unit, megabytes};
use crate::workload::Workload;

/// The longest time that a contestant is measured for.
const LIMIT: Duration = Duration::from_millis(2500);

/// The number of messages for slow contestants.
const SLOW_COUNT: u64 = 6_000;

/// The largest messages for slow contestants.
const SLOW_SIZE: usize = 1024;

/// The workloads. The number of messages keeps the ceiling busy for about a second.
pub(crate) const WORKLOADS: [Workload; 10] = [
    workload(100, true, false, 30_000),
    workload(100, false, false, 60_000),
    workload(100, true, true, 15_000),
    workload(100, false, true, 30_000),
    workload(1024, true, false, 25_000),
    workload(1024, false, false, 50_000),
    workload(64 * 1024, true, false, 6_000),
    workload(64 * 1024, false, false, 10_000),
    workload(1024 * 1024, true, false, 600),
    workload(1024 * 1024, false, false, 900),
];

const fn workload(size: usize, persistent: bool, logs: bool, count: u64) -> Workload {
    Workload { size, persistent, logs, count }
}

pub(super) fn measure_throughput(bench: &Bench, results: &mut Results) -> Result<()> {
    for round in 0..bench.rounds {
        for workload in &bench.workloads {
            for contestant in bench.rotated(round).filter(|contestant| takes_part(contestant, *workload)) {
                let count = if contestant.slow { SLOW_COUNT } else { workload.count };
                let run = bench.run(contestant, Workload { count, ..*workload }, LIMIT)?;
                record(results, *workload, contestant, round, run);
            }
        }
    }
    Ok(())
}

fn takes_part(contestant: &Contestant, workload: Workload) -> bool {
    contestant.supports(workload.logs) && !(contestant.slow && workload.size > SLOW_SIZE)
}

fn record(results: &mut Results, workload: Workload, contestant: &Contestant, round: usize, run: Run) {
    let name = &contestant.name;
    results.record(Metric::new(THROUGHPUT, workload.name(), Unit::Rate), name, round, run.rate);
    if workload.size == 100 && workload.persistent {
        let logs = if workload.logs { ", two logs" } else { "" };
        let cpu = Metric::new("cost", format!("CPU per message{logs}"), Unit::Microseconds);
        results.record(cpu, name, round, run.cpu_per_message);
        let memory = Metric::new("cost", format!("peak memory under load{logs}"), Unit::Megabytes);
        results.record(memory, name, round, megabytes(run.peak_memory));
    }
    if workload.logs && run.logs_received < 1.0 {
        eprintln!("    {name}: only {:.1} % of the log messages arrived", 100.0 * run.logs_received);
    }
}
