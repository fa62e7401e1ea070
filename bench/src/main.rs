//! Benchmarks the echo component against other AMQP clients, side by side on a temporary broker.
//!
//! It asserts nothing about speed. It prints a table and writes it as Markdown, JSON and SVG.
//!
//! # Layout
//!
//! - `cli`: options, and what `--only` selects;
//! - `environment`: the temporary broker, child processes, the machine;
//! - `contestant`: the programs that are compared;
//! - `load`: publishes and consumes on the broker while a contestant runs;
//! - `stub`: a broker without cost, to measure clients in isolation;
//! - `bench`: runs a contestant on a workload; used by all `measurements`;
//! - `report`: results, table, chart and JSON;
//! - the library `echo_bench`: what the contestants in Rust share with this program, above all the wire protocol.

mod bench;
mod cli;
mod contestant;
mod environment;
mod load;
mod measurements;
mod report;
mod stub;
mod workload;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use bench::Bench;
use cli::{Options, Selection, USAGE};
use environment::{Broker, Machine};
use report::{Report, Results};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let options = Options::from_args()?;
    if options.help {
        print!("{USAGE}");
        return Ok(());
    }
    let selection = Selection::new(&options.only, options.quick, &options.programs.contestants()?)?;
    fs::create_dir_all(&options.out).with_context(|| format!("could not create {}", options.out.display()))?;

    let mut machine = Machine::inspect();
    let bench = Bench {
        broker: Broker::start()?,
        contestants: selection.contestants,
        source: options.programs.source(),
        workloads: selection.workloads,
        rounds: options.rounds,
        quick: options.quick,
        folder: tempfile::tempdir()?,
        profiles: options.profile.then(|| options.out.clone()),
    };
    bench.warm_up()?;
    let mut results = Results::default();
    for measurement in selection.measurements {
        eprintln!("{}:", measurement.name);
        (measurement.run)(&bench, &mut results)?;
    }
    machine.record_load_after();

    let report = Report { results: &results, contestants: &bench.contestants, machine: &machine };
    print!("{}", report.markdown());
    report.write_to(&options.out)
}
