//! The effect of a backlog of a million messages on memory and throughput.

use std::time::Duration;

use anyhow::Result;
use echo_bench::config::INPUT_QUEUE;

use crate::bench::Bench;
use crate::load::{Publisher, Queues, message_body};
use crate::report::{Metric, Results, Unit, megabytes};
use crate::workload::Workload;

const GROUP: &str = "backlog of a million messages (100 B, transient)";

const BACKLOG: u64 = 1_000_000;

/// The workload without a backlog.
const WITHOUT: Workload = Workload { size: 100, persistent: false, logs: false, count: 40_000 };

/// How long each contestant is measured.
const LIMIT: Duration = Duration::from_millis(1_500);

pub(super) fn measure_backlog(bench: &Bench, results: &mut Results) -> Result<()> {
    for round in 0..bench.rounds {
        for contestant in bench.rotated_main(round) {
            let run = bench.run(contestant, WITHOUT, LIMIT)?;
            let metric = Metric::new(GROUP, "throughput without backlog", Unit::Rate);
            results.record(metric, &contestant.name, round, run.rate);
        }
    }
    measure_with_backlog(bench, results)
}

fn measure_with_backlog(bench: &Bench, results: &mut Results) -> Result<()> {
    let address = bench.address();
    let mut queues = Queues::connect(&address)?;
    queues.reset_input()?;
    let mut publisher = Publisher::connect(&address)?;
    for round in 0..bench.rounds {
        for contestant in bench.rotated_main(round) {
            // The broker must have requeued what the previous contestant did not acknowledge.
            queues.await_consumers(0)?;
            let missing = BACKLOG.saturating_sub(queues.input_status()?.ready.into());
            publisher.publish(INPUT_QUEUE, &message_body(0, WITHOUT.size), missing, WITHOUT.persistent)?;
            queues.reset_outputs(WITHOUT.persistent)?;
            let run = bench.run_on_published(contestant, Workload { count: BACKLOG, ..WITHOUT }, LIMIT)?;
            let (name, memory) = (&contestant.name, megabytes(run.peak_memory));
            results.record(Metric::new(GROUP, "throughput with backlog", Unit::Rate), name, round, run.rate);
            results.record(Metric::new(GROUP, "peak memory with backlog", Unit::Megabytes), name, round, memory);
        }
    }
    queues.reset_input()
}
