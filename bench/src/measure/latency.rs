//! How long an echo of a small persistent message takes, with one in flight and at half of what the ceiling can do.

use std::io;
use std::time::Duration;

use crate::bench::{Bench, Workload};
use crate::contestant::{CEILING, Contestant};
use crate::load::{Admin, Pulse};
use crate::report::{Results, Unit};

const SIZE: usize = 100;

/// Echoes one after the other.
const COUNT: u64 = 2_000;

/// The same for those that take milliseconds.
const FEW: u64 = 60;

/// Not timed: the first ones are slower.
const WARM_UP: u64 = 50;

/// How long half load lasts.
const TIME: Duration = Duration::from_millis(1_500);

const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

pub(crate) fn latency(bench: &Bench, results: &mut Results) -> io::Result<()> {
    let ceiling = bench.contestants.iter().find(|contestant| contestant.name == CEILING);
    let half = ceiling.map(|ceiling| half_load(bench, ceiling)).transpose()?;
    for round in 0..bench.rounds {
        for contestant in bench.in_turn(round) {
            measure(bench, contestant, half, round, results)?;
        }
    }
    Ok(())
}

fn measure(
    bench: &Bench,
    contestant: &Contestant,
    half: Option<f64>,
    round: usize,
    results: &mut Results,
) -> io::Result<()> {
    let address = bench.address();
    let mut admin = Admin::connect(&address)?;
    admin.renew_heard()?;
    admin.renew_said(true)?;
    let always_logs = !contestant.takes(false);
    let process = contestant.start(&[], &bench.terms(&address, SIZE, always_logs))?;
    admin.await_consumers(1)?;
    let mut pulse = Pulse::connect(&address, SIZE)?;
    let (warm_up, count) = if always_logs { (5, FEW) } else { (WARM_UP, COUNT) };
    pulse.one_by_one(warm_up)?;
    note(results, "one in flight", contestant, round, pulse.one_by_one(count)?);
    if let Some(rate) = half.filter(|_| !contestant.slow) {
        // The first part is for getting into step.
        let mut latencies = pulse.at_pace(rate, TIME)?;
        let late = latencies.split_off(latencies.len() / 5);
        note(results, "at half load", contestant, round, late);
    }
    process.stop()
}

fn note(results: &mut Results, load: &str, contestant: &Contestant, round: usize, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    for (name, part) in PERCENTILES {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "there are not so many, nor less than none"
        )]
        let place = (latencies.len() as f64 * part) as usize;
        if let Some(latency) = latencies.get(place) {
            let microseconds = latency.as_secs_f64() * 1e6;
            results.note(
                "latency",
                &format!("{load}, {name}"),
                Unit::Microseconds,
                contestant.name,
                round,
                microseconds,
            );
        }
    }
}

fn half_load(bench: &Bench, ceiling: &Contestant) -> io::Result<f64> {
    let workload = Workload { size: SIZE, persistent: true, logs: false, count: 20_000 };
    Ok(bench.run(ceiling, workload, Duration::from_secs(5))?.rate / 2.0)
}
