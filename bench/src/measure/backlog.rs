//! With a million messages waiting: does it cost memory, or speed?

use std::io;
use std::time::Duration;

use echo_bench::setting::HEARD;

use crate::bench::{Bench, Workload};
use crate::contestant::{CEILING, COMPONENT};
use crate::load::{Admin, Filler, body};
use crate::report::{Results, Unit, megabytes};

const BACKLOG: u64 = 1_000_000;

/// How long each one works on it.
const TIME: Duration = Duration::from_millis(1_500);

/// Messages when there is no backlog.
const FEW: u64 = 40_000;

const GROUP: &str = "a backlog of a million (100 B, transient)";

pub(crate) fn backlog(bench: &Bench, results: &mut Results) -> io::Result<()> {
    let takes_part = |name| name == CEILING || name == COMPONENT;
    let workload = Workload { size: 100, persistent: false, logs: false, count: FEW };
    for round in 0..bench.rounds {
        for contestant in bench.in_turn(round).filter(|contestant| takes_part(contestant.name)) {
            let run = bench.run(contestant, workload, TIME)?;
            results.note(GROUP, "rate without it", Unit::Rate, contestant.name, round, run.rate);
        }
    }
    let address = bench.address();
    let mut admin = Admin::connect(&address)?;
    admin.renew_heard()?;
    let mut filler = Filler::connect(&address)?;
    for round in 0..bench.rounds {
        for contestant in bench.in_turn(round).filter(|contestant| takes_part(contestant.name)) {
            // What the one before has in hand comes back first.
            admin.await_consumers(0)?;
            let missing = BACKLOG.saturating_sub(admin.heard()?.0.into());
            filler.fill(HEARD, &body(0, workload.size), missing, workload.persistent)?;
            admin.renew_said(workload.persistent)?;
            let run = bench.echo(contestant, Workload { count: BACKLOG, ..workload }, TIME)?;
            results.note(GROUP, "rate", Unit::Rate, contestant.name, round, run.rate);
            results.note(GROUP, "peak memory", Unit::Megabytes, contestant.name, round, megabytes(run.peak));
        }
    }
    admin.renew_heard()
}
