//! What more of the same brings: processes on one queue, workers in one process, and components with queues of their own.

use std::io;
use std::time::Duration;

use echo_bench::setting::{HEARD, SAID};

use crate::bench::Bench;
use crate::broker::VHOSTS;
use crate::contestant::{CEILING, COMPONENT, Contestant, Terms};
use crate::load::{Admin, Drain, Filler, body};
use crate::report::{Results, Unit};

const SIZE: usize = 100;

const LIMIT: Duration = Duration::from_secs(10);

/// Contestants side by side.
#[derive(Debug, Clone, Copy)]
struct Formation {
    name: &'static str,
    /// Each with queues of its own.
    components: usize,
    /// Of each component.
    replicas: usize,
    /// In each replica.
    workers: usize,
}

const ONE: Formation = Formation { name: "", components: 1, replicas: 1, workers: 1 };

const FORMATIONS: [Formation; 5] = [
    Formation { name: "2 replicas", replicas: 2, ..ONE },
    Formation { name: "4 replicas", replicas: 4, ..ONE },
    Formation { name: "2 workers", workers: 2, ..ONE },
    Formation { name: "4 workers", workers: 4, ..ONE },
    Formation { name: "2 components", components: 2, ..ONE },
];

pub(crate) fn scaling(bench: &Bench, results: &mut Results) -> io::Result<()> {
    for round in 0..bench.rounds {
        for contestant in bench.in_turn(round).filter(|contestant| [CEILING, COMPONENT].contains(&contestant.name)) {
            for (persistent, count) in [(true, 20_000), (false, 40_000)] {
                let one = rate(bench, contestant, ONE, persistent, count)?;
                for formation in FORMATIONS {
                    if formation.workers > 1 && contestant.name != COMPONENT {
                        continue;
                    }
                    let kind = if persistent { "persistent" } else { "transient" };
                    let name = format!("{}, {kind}", formation.name);
                    let times = rate(bench, contestant, formation, persistent, count)? / one;
                    results.note("times as fast as one (100 B)", &name, Unit::Times, contestant.name, round, times);
                }
            }
        }
    }
    Ok(())
}

/// Messages a second of all together.
fn rate(bench: &Bench, contestant: &Contestant, formation: Formation, persistent: bool, count: u64) -> io::Result<f64> {
    let addresses: Vec<_> = VHOSTS[..formation.components].iter().map(|vhost| bench.broker.address(vhost)).collect();
    let mut drains = Vec::new();
    for address in &addresses {
        let mut admin = Admin::connect(address)?;
        admin.renew_heard()?;
        admin.renew_said(persistent)?;
        Filler::connect(address)?.fill(HEARD, &body(0, SIZE), count, persistent)?;
        drains.push(Drain::start(address, SAID)?);
    }
    let mut processes = Vec::new();
    for address in &addresses {
        let terms = Terms { workers: formation.workers, ..bench.terms(address, SIZE, false) };
        for _ in 0..formation.replicas {
            processes.push(contestant.start(&[], &terms)?);
        }
    }
    let mut total = 0.0;
    for drain in drains {
        let tally = drain.wait(count, LIMIT);
        if tally.count < count {
            eprintln!("    {} of {count} messages are missing", count - tally.count);
        }
        total += tally.rate().unwrap_or(0.0);
    }
    processes.into_iter().try_for_each(crate::process::Process::stop)?;
    Ok(total)
}
