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

/// What a client has to do.
#[derive(Debug, Clone, Copy)]
struct Work {
    name: &'static str,
    size: usize,
    logs: bool,
    /// Messages for the clock.
    timed: u64,
    /// Messages for callgrind: the difference of two runs is without start and end.
    counted: [u64; 2],
}

const WORKS: [Work; 3] = [
    Work { name: "100 B", size: 100, logs: false, timed: 100_000, counted: [2_000, 8_000] },
    Work { name: "100 B, two logs", size: 100, logs: true, timed: 50_000, counted: [2_000, 8_000] },
    Work { name: "64 KiB", size: 64 * 1024, logs: false, timed: 5_000, counted: [200, 600] },
];

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn alone(bench: &Bench, results: &mut Results) -> io::Result<()> {
    let is_quick = |work: &Work| !bench.quick || work.size == 100;
    for work in WORKS.into_iter().filter(is_quick) {
        let takes_part = |contestant: &&Contestant| contestant.takes(work.logs) && takes_part(bench, contestant);
        for contestant in bench.contestants.iter().filter(takes_part) {
            for round in 0..bench.rounds {
                let name = format!("{}, if the broker cost nothing", work.name);
                let rate = rate(bench, contestant, work)?;
                results.note("client alone", &name, Unit::Rate, contestant.name, round, rate);
            }
            if let Some(count) = instructions(bench, contestant, work)? {
                let name = format!("{}, for each message", work.name);
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
fn rate(bench: &Bench, contestant: &Contestant, work: Work) -> io::Result<f64> {
    let times = echo(bench, contestant, work, work.timed, &[])?;
    let (Some(heard), Some(done)) = (times.heard, times.done) else {
        return Err(bench.complaint_of(contestant));
    };
    Ok(work.timed as f64 / done.duration_since(heard).as_secs_f64())
}

/// `None` without valgrind.
#[expect(clippy::cast_precision_loss, reason = "there are not so many instructions")]
fn instructions(bench: &Bench, contestant: &Contestant, work: Work) -> io::Result<Option<f64>> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let out = bench.folder.path().join("callgrind.out");
    let mut out_option = OsString::from("--callgrind-out-file=");
    out_option.push(&out);
    let valgrind = ["valgrind".into(), "--tool=callgrind".into(), out_option];
    let mut totals = [0; 2];
    for (total, count) in totals.iter_mut().zip(work.counted) {
        if echo(bench, contestant, work, count, &valgrind)?.done.is_none() {
            return Err(bench.complaint_of(contestant));
        }
        *total = collected(&fs::read_to_string(&out)?);
    }
    if let Some(folder) = &bench.profiles {
        fs::copy(&out, folder.join(format!("callgrind, {}, {}.out", contestant.name, work.name)))?;
    }
    Ok(Some(totals[1].saturating_sub(totals[0]) as f64 / (work.counted[1] - work.counted[0]) as f64))
}

fn echo(bench: &Bench, contestant: &Contestant, work: Work, count: u64, within: &[OsString]) -> io::Result<Times> {
    let stub = Stub::start(body(0, work.size), count)?;
    let process = contestant.start(within, &bench.terms(&stub.address(), work.size, work.logs))?;
    let times = stub.wait(LIMIT);
    process.stop()?;
    Ok(times)
}

/// The instructions in a file of callgrind.
fn collected(text: &str) -> u64 {
    let of_part = |line: &str| line.strip_prefix("totals:")?.trim().parse::<u64>().ok();
    text.lines().filter_map(of_part).sum()
}
