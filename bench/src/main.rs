//! Measures the echo component beside what else could do its work, side by side in one run.
//!
//! It asserts nothing about speed: it prints a table, and writes it as JSON and as a picture.

mod bench;
mod broker;
mod contestant;
mod load;
mod machine;
mod measure;
mod options;
mod process;
mod report;
mod stub;

use std::fs;
use std::io;
use std::process::ExitCode;

use bench::Bench;
use broker::Broker;
use contestant::{CEILING, Contestant};
use machine::Machine;
use options::Options;
use report::Results;

/// The ceiling's rounds are further apart than this part of their median only on a machine that does other things too.
const CALM: f64 = 0.25;

type Measure = fn(&Bench, &mut Results) -> io::Result<()>;

const MEASURES: [(&str, Measure); 6] = [
    ("throughput", measure::throughput),
    ("latency", measure::latency),
    ("cost", measure::footprint),
    ("alone", measure::alone),
    ("backlog", measure::backlog),
    ("scaling", measure::scaling),
];

/// What is measured with `--quick`.
const QUICK: [&str; 3] = ["throughput", "cost", "alone"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let options = Options::read()?;
    let mut machine = Machine::look();
    fs::create_dir_all(&options.out)?;
    let bench = Bench {
        broker: Broker::start()?,
        contestants: chosen(&options),
        folder: tempfile::tempdir()?,
        rounds: options.rounds,
        quick: options.quick,
        only: options.only.clone(),
        profiles: options.profile.then(|| options.out.clone()),
    };
    bench.warm_up()?;
    let mut results = Results::default();
    let is_quick = |(name, _): &(&str, Measure)| !options.quick || QUICK.contains(name);
    for (name, measure) in options.only.of(&MEASURES, |(name, _), word| *name == word, is_quick) {
        eprintln!("{name} …");
        measure(&bench, &mut results)?;
    }
    machine.look_again();
    let names: Vec<&str> = bench.contestants.iter().map(|contestant| contestant.name).collect();
    let text = format!("{}\n{}\n{}", report::table(&results, &names), machine.describe(), warnings(&results, &machine));
    println!("{text}");
    fs::write(options.out.join("benchmarks.md"), &text)?;
    fs::write(options.out.join("benchmarks.svg"), report::picture(&results, &names))?;
    fs::write(options.out.join("benchmarks.json"), format!("{:#}\n", report::json(&results, &names, &machine)))
}

/// Those that are named, and the ceiling. If none is: all, but with `--quick` not the slow ones.
fn chosen(options: &Options) -> Vec<Contestant> {
    let all = options.programs.contestants();
    let is_quick = |contestant: &Contestant| !(options.quick && contestant.slow);
    let wanted = options.only.of(&all, |contestant, word| contestant.name == word, is_quick);
    let is_wanted = |contestant: &Contestant| wanted.iter().any(|other| other.name == contestant.name);
    all.iter().filter(|contestant| contestant.name == CEILING || is_wanted(contestant)).cloned().collect()
}

/// Where the figures are not to be trusted.
fn warnings(results: &Results, machine: &Machine) -> String {
    let noisy: Vec<String> = results
        .rows()
        .iter()
        .filter(|row| row.has_ratios())
        .filter_map(|row| row.spread(CEILING).map(|spread| (row, spread)))
        .filter(|(_, spread)| *spread > CALM)
        .map(|(row, spread)| format!("{}: {} ({:.0} %)", row.group, row.name, 100.0 * spread))
        .collect();
    let mut text = String::new();
    if machine.was_busy() {
        text.push_str("NOISY MACHINE: it was at work already when the benchmark began.\n");
    }
    if !noisy.is_empty() {
        text = format!("{text}NOISY MACHINE: the ceiling differs much from round to round at {}.\n", noisy.join(", "));
    }
    if text.is_empty() { "The machine was calm.\n".to_owned() } else { text }
}
