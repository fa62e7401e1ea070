//! The client alone: contestants run against a stub broker, so that results depend neither on a broker nor on its disk.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::Bench;
use crate::contestant::Contestant;
use crate::load::message_body;
use crate::report::{Metric, Results, Unit};
use crate::stub::{StubBroker, Times};

const GROUP: &str = "client alone";

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Case {
    name: &'static str,
    size: usize,
    logs: bool,
    /// The number of messages when time is measured.
    timed_count: u64,
    /// The numbers of messages in two runs that count instructions. Their difference excludes start and stop.
    counted: [u64; 2],
}

const CASES: [Case; 3] = [
    Case { name: "100 B", size: 100, logs: false, timed_count: 100_000, counted: [2_000, 8_000] },
    Case { name: "100 B, two logs", size: 100, logs: true, timed_count: 50_000, counted: [2_000, 8_000] },
    Case { name: "64 KiB", size: 64 * 1024, logs: false, timed_count: 5_000, counted: [200, 600] },
];

pub(super) fn measure_alone(bench: &Bench, results: &mut Results) -> Result<()> {
    let has_valgrind = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok();
    for case in CASES.iter().filter(|case| !bench.quick || case.size == 100) {
        for contestant in bench.contestants.iter().filter(|contestant| takes_part(bench, contestant, case)) {
            for round in 0..bench.rounds {
                let metric = Metric::new(GROUP, format!("{}, against a stub broker", case.name), Unit::Rate);
                results.record(metric, &contestant.name, round, throughput(bench, contestant, case)?);
            }
            if has_valgrind {
                let metric = Metric::new(GROUP, format!("{}, per message", case.name), Unit::Instructions);
                results.record(metric, &contestant.name, 0, instructions_per_message(bench, contestant, case)?);
            }
        }
    }
    Ok(())
}

fn takes_part(bench: &Bench, contestant: &Contestant, case: &Case) -> bool {
    let is_main = contestant.is_ceiling() || contestant.is_component();
    contestant.supports(case.logs) && !contestant.slow && !contestant.tls && (is_main || !bench.quick)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 messages")]
fn throughput(bench: &Bench, contestant: &Contestant, case: &Case) -> Result<f64> {
    let times = run(bench, contestant, case, case.timed_count, &[])?;
    let (Some(consumed), Some(acknowledged)) = (times.consumer_started, times.all_acknowledged) else {
        return Err(bench.no_echo_error(contestant));
    };
    Ok(case.timed_count as f64 / acknowledged.duration_since(consumed).as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 instructions")]
fn instructions_per_message(bench: &Bench, contestant: &Contestant, case: &Case) -> Result<f64> {
    let profile = bench.folder.path().join("callgrind.out");
    let mut profile_option = OsString::from("--callgrind-out-file=");
    profile_option.push(&profile);
    let valgrind = ["valgrind".into(), "--tool=callgrind".into(), profile_option];
    let mut totals = [0; 2];
    for (total, count) in totals.iter_mut().zip(case.counted) {
        if run(bench, contestant, case, count, &valgrind)?.all_acknowledged.is_none() {
            return Err(bench.no_echo_error(contestant));
        }
        let text = fs::read_to_string(&profile).context("could not read the output of callgrind")?;
        *total = total_instructions(&text);
    }
    if let Some(folder) = &bench.profiles {
        fs::copy(&profile, folder.join(format!("callgrind, {}, {}.out", contestant.name, case.name)))?;
    }
    Ok(totals[1].saturating_sub(totals[0]) as f64 / (case.counted[1] - case.counted[0]) as f64)
}

/// Runs `contestant` against a stub broker, under `wrapper` if that is not empty.
fn run(bench: &Bench, contestant: &Contestant, case: &Case, count: u64, wrapper: &[OsString]) -> Result<Times> {
    let stub = StubBroker::start(message_body(0, case.size), count)?;
    let process = contestant.start_under(wrapper, &bench.start_options(&stub.address(), case.size, case.logs))?;
    let times = stub.wait(LIMIT);
    process.stop()?;
    Ok(times)
}

/// The sum of the totals of all parts of a callgrind profile.
fn total_instructions(profile: &str) -> u64 {
    let total = |line: &str| line.strip_prefix("totals:")?.trim().parse::<u64>().ok();
    profile.lines().filter_map(total).sum()
}
