//! The speed-up by replicas on one queue, by workers in one process, and by components with queues of their own.

use std::time::Duration;

use anyhow::Result;
use echo_bench::config::{INPUT_QUEUE, OUTPUT_QUEUE};

use crate::bench::Bench;
use crate::contestant::{Contestant, StartOptions};
use crate::environment::{Process, VHOSTS};
use crate::load::{Consumer, Publisher, Queues, message_body};
use crate::report::{Metric, Results, Unit};
use crate::workload::persistence;

const GROUP: &str = "speed-up over one process (100 B)";

const SIZE: usize = 100;

const LIMIT: Duration = Duration::from_secs(10);

/// Messages for each component, by persistence.
const COUNTS: [(bool, u64); 2] = [(true, 20_000), (false, 40_000)];

/// How many processes and workers run at the same time.
#[derive(Debug, Clone, Copy)]
struct Deployment {
    name: &'static str,
    /// Components, each with queues of its own.
    components: usize,
    /// Processes per component.
    replicas: usize,
    /// Workers per process.
    workers: usize,
}

const SINGLE: Deployment = Deployment { name: "", components: 1, replicas: 1, workers: 1 };

const DEPLOYMENTS: [Deployment; 5] = [
    Deployment { name: "2 replicas", replicas: 2, ..SINGLE },
    Deployment { name: "4 replicas", replicas: 4, ..SINGLE },
    Deployment { name: "2 workers", workers: 2, ..SINGLE },
    Deployment { name: "4 workers", workers: 4, ..SINGLE },
    Deployment { name: "2 components", components: 2, ..SINGLE },
];

pub(super) fn measure_scaling(bench: &Bench, results: &mut Results) -> Result<()> {
    for round in 0..bench.rounds {
        for contestant in bench.rotated_main(round) {
            for (persistent, count) in COUNTS {
                let single = throughput(bench, contestant, SINGLE, persistent, count)?;
                // Only components have workers.
                let is_possible = |deployment: &Deployment| deployment.workers == 1 || contestant.is_component();
                for deployment in DEPLOYMENTS.into_iter().filter(is_possible) {
                    let speed_up = throughput(bench, contestant, deployment, persistent, count)? / single;
                    let name = format!("{}, {}", deployment.name, persistence(persistent));
                    results.record(Metric::new(GROUP, name, Unit::Factor), &contestant.name, round, speed_up);
                }
            }
        }
    }
    Ok(())
}

/// Echoes per second, summed over all components.
fn throughput(
    bench: &Bench,
    contestant: &Contestant,
    deployment: Deployment,
    persistent: bool,
    count: u64,
) -> Result<f64> {
    let addresses: Vec<_> = VHOSTS[..deployment.components].iter().map(|vhost| bench.broker.address(vhost)).collect();
    let mut consumers = Vec::new();
    for address in &addresses {
        Queues::connect(address)?.reset(persistent)?;
        Publisher::connect(address)?.publish(INPUT_QUEUE, &message_body(0, SIZE), count, persistent)?;
        consumers.push(Consumer::start(address, OUTPUT_QUEUE)?);
    }
    let mut processes = Vec::new();
    for address in &addresses {
        let options = StartOptions { workers: deployment.workers, ..bench.start_options(address, SIZE, false) };
        for _ in 0..deployment.replicas {
            processes.push(contestant.start(&options)?);
        }
    }
    let mut total = 0.0;
    for consumer in consumers {
        let echoed = consumer.wait(count, LIMIT);
        if echoed.count < count {
            eprintln!("    {} of {count} echoes did not arrive in time", count - echoed.count);
        }
        total += echoed.rate().unwrap_or(0.0);
    }
    processes.into_iter().try_for_each(Process::stop)?;
    Ok(total)
}
