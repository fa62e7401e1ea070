//! Messages a second: laid ready first, and then echoed as fast as it goes.

use std::io;
use std::time::Duration;

use crate::bench::{Bench, Workload};
use crate::report::{Results, Unit, megabytes};

/// Nobody is watched for longer.
const LIMIT: Duration = Duration::from_millis(2500);

/// Messages for those that are slow.
const FEW: u64 = 6_000;

/// Workloads, and how many messages keep the quick ones busy for the better part of a second.
const WORKLOADS: [Workload; 10] = [
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

pub(crate) fn throughput(bench: &Bench, results: &mut Results) -> io::Result<()> {
    let is_quick = |workload: &Workload| !bench.quick || (workload.size == 100 && workload.persistent);
    let chosen = bench.only.of(&WORKLOADS, |workload, word| name(*workload) == word, is_quick);
    for round in 0..bench.rounds {
        for workload in &chosen {
            measure(bench, **workload, round, results)?;
        }
    }
    Ok(())
}

fn measure(bench: &Bench, workload: Workload, round: usize, results: &mut Results) -> io::Result<()> {
    let name = name(workload);
    for contestant in bench.in_turn(round).filter(|contestant| contestant.takes(workload.logs)) {
        if contestant.slow && workload.size > 1024 {
            continue;
        }
        let count = if contestant.slow { FEW } else { workload.count };
        let run = bench.run(contestant, Workload { count, ..workload }, LIMIT)?;
        results.note("throughput", &name, Unit::Rate, contestant.name, round, run.rate);
        if workload.size == 100 && workload.persistent {
            let logs = if workload.logs { ", two logs" } else { "" };
            results.note(
                "cost",
                &format!("CPU per message{logs}"),
                Unit::Microseconds,
                contestant.name,
                round,
                run.cpu,
            );
            results.note(
                "cost",
                &format!("peak memory under load{logs}"),
                Unit::Megabytes,
                contestant.name,
                round,
                megabytes(run.peak),
            );
        }
        if run.logged < 1.0 && workload.logs {
            eprintln!("    only {:.1} % of its log messages came", 100.0 * run.logged);
        }
    }
    Ok(())
}

fn name(workload: Workload) -> String {
    let size = match workload.size {
        size if size < 1024 => format!("{size} B"),
        size if size < 1024 * 1024 => format!("{} KiB", size / 1024),
        size => format!("{} MiB", size / 1024 / 1024),
    };
    let kind = if workload.persistent { "persistent" } else { "transient" };
    let logs = if workload.logs { ", two logs" } else { "" };
    format!("{size}, {kind}{logs}")
}
