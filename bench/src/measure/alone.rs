//! The work of a client alone: against a stub, so that neither a broker nor the rest of the machine has a say in it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::bench::Bench;
use crate::contestant::{CEILING, COMPONENT, Contestant};
use crate::load::body;
use crate::report::{Results, Unit};
use crate::stub::{Stub, Times};

const SIZE: usize = 100;

/// Messages for the clock.
const TIMED: u64 = 100_000;

/// Messages for callgrind: the difference of two runs is without start and end.
const COUNTED: [u64; 2] = [2_000, 8_000];

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn alone(bench: &Bench, results: &mut Results) -> io::Result<()> {
    for contestant in bench.contestants.iter().filter(|contestant| takes_part(bench, contestant)) {
        for logs in [false, true].into_iter().filter(|logs| contestant.takes(*logs)) {
            let with_logs = if logs { ", two logs" } else { "" };
            for round in 0..bench.rounds {
                let rate = rate(bench, contestant, logs)?;
                let name = format!("rate if the broker cost nothing{with_logs}");
                results.note("client alone", &name, Unit::Rate, contestant.name, round, rate);
            }
            if let Some(count) = instructions(bench, contestant, logs)? {
                let name = format!("per message{with_logs}");
                results.note("client alone", &name, Unit::Instructions, contestant.name, 0, count);
            }
        }
    }
    Ok(())
}

fn takes_part(bench: &Bench, contestant: &Contestant) -> bool {
    if bench.quick { [CEILING, COMPONENT].contains(&contestant.name) } else { !contestant.slow }
}

#[expect(clippy::cast_precision_loss, reason = "there are not so many messages")]
fn rate(bench: &Bench, contestant: &Contestant, logs: bool) -> io::Result<f64> {
    let times = echo(bench, contestant, logs, TIMED, &[])?;
    let (Some(heard), Some(done)) = (times.heard, times.done) else {
        return Err(bench.complaint_of(contestant));
    };
    Ok(TIMED as f64 / done.duration_since(heard).as_secs_f64())
}

/// `None` without valgrind.
#[expect(clippy::cast_precision_loss, reason = "there are not so many instructions")]
fn instructions(bench: &Bench, contestant: &Contestant, logs: bool) -> io::Result<Option<f64>> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let out = bench.folder.path().join("callgrind.out");
    let mut out_option = OsString::from("--callgrind-out-file=");
    out_option.push(&out);
    let valgrind = ["valgrind".into(), "--tool=callgrind".into(), out_option];
    let mut totals = [0; 2];
    for (total, count) in totals.iter_mut().zip(COUNTED) {
        if echo(bench, contestant, logs, count, &valgrind)?.done.is_none() {
            return Err(bench.complaint_of(contestant));
        }
        *total = collected(&fs::read_to_string(&out)?);
    }
    Ok(Some(totals[1].saturating_sub(totals[0]) as f64 / (COUNTED[1] - COUNTED[0]) as f64))
}

fn echo(bench: &Bench, contestant: &Contestant, logs: bool, count: u64, within: &[OsString]) -> io::Result<Times> {
    let stub = Stub::start(body(0, SIZE), count)?;
    let process = contestant.start(within, &bench.terms(&stub.address(), SIZE, logs))?;
    let times = stub.wait(LIMIT);
    process.stop()?;
    Ok(times)
}

/// The instructions in a file of callgrind.
fn collected(text: &str) -> u64 {
    let of_part = |line: &str| line.strip_prefix("totals:")?.trim().parse::<u64>().ok();
    text.lines().filter_map(of_part).sum()
}
