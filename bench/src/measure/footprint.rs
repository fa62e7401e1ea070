//! What a contestant needs: time to start, memory while nothing happens, and room on the disk.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use echo_bench::setting::{HEARD, SAID};

use crate::bench::Bench;
use crate::contestant::Contestant;
use crate::load::{Admin, Drain, Filler, body};
use crate::report::{Results, Unit, megabytes};

const SIZE: usize = 100;

/// How long nothing happens before memory is looked at.
const REST: Duration = Duration::from_millis(300);

const START_LIMIT: Duration = Duration::from_secs(10);

const GROUP: &str = "cost";

pub(crate) fn footprint(bench: &Bench, results: &mut Results) -> io::Result<()> {
    for round in 0..bench.rounds {
        for contestant in bench.in_turn(round) {
            measure(bench, contestant, round, results)?;
        }
    }
    for contestant in &bench.contestants {
        if let Some(binary) = &contestant.binary {
            let size = megabytes(fs::metadata(binary)?.len());
            results.note(GROUP, "binary, stripped", Unit::Megabytes, contestant.name, 0, size);
        }
    }
    Ok(())
}

fn measure(bench: &Bench, contestant: &Contestant, round: usize, results: &mut Results) -> io::Result<()> {
    let address = bench.address();
    let mut admin = Admin::connect(&address)?;
    admin.renew_heard()?;
    admin.renew_said(true)?;
    let said = Drain::start(&address, SAID)?;
    Filler::connect(&address)?.fill(HEARD, &body(0, SIZE), 1, true)?;
    let began = Instant::now();
    let process = contestant.start(&[], &bench.terms(&address, SIZE, !contestant.takes(false)))?;
    let first = said.wait(1, START_LIMIT).last().ok_or_else(|| bench.complaint_of(contestant))?;
    let milliseconds = first.duration_since(began).as_secs_f64() * 1e3;
    results.note(GROUP, "start to first echo", Unit::Milliseconds, contestant.name, round, milliseconds);
    thread::sleep(REST);
    results.note(GROUP, "memory, idle", Unit::Megabytes, contestant.name, round, megabytes(process.resident()?));
    process.stop()
}
