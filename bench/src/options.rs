//! What the benchmark is told on its command line, which is `runBenchmarks.sh`.

use std::env;
use std::io;
use std::path::PathBuf;

use crate::contestant::Programs;

const USAGE: &str = "runBenchmarks.sh [--quick] [--rounds N] [--only WORD[/WORD…]] [--profile] [--out FOLDER]
  --quick   throughput of small messages and cost only, without what is slow: under two minutes
  --rounds  how often everything is measured; 3 by default, 2 with --quick
  --only    only these measurements (throughput, latency, cost, alone, backlog, scaling), contestants
            (and the ceiling), or throughputs (64 KiB, persistent and so on)
  --profile keep what callgrind writes, for callgrind_annotate, in that folder
  --out     the folder for benchmarks.json, benchmarks.svg and benchmarks.md";

/// What the benchmark is told.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) profile: bool,
    pub(crate) rounds: usize,
    pub(crate) only: Only,
    pub(crate) out: PathBuf,
    pub(crate) programs: Programs,
}

impl Options {
    pub(crate) fn read() -> io::Result<Self> {
        let compiled = env::current_exe()?.parent().expect("a program is in a folder").to_owned();
        let programs = Programs { component: PathBuf::new(), compiled, scripts: PathBuf::new(), python: None };
        let mut options =
            Self { quick: false, profile: false, rounds: 0, only: Only::default(), out: ".".into(), programs };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(usage);
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--profile" => options.profile = true,
                "--rounds" => options.rounds = value()?.parse().map_err(|_| usage())?,
                "--only" => options.only = Only(value()?.split('/').map(str::to_owned).collect()),
                "--out" => options.out = value()?.into(),
                "--component" => options.programs.component = value()?.into(),
                "--scripts" => options.programs.scripts = value()?.into(),
                "--python" => options.programs.python = Some(value()?.into()),
                _ => return Err(usage()),
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 2 } else { 3 };
        }
        Ok(options)
    }
}

/// The words of `--only`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Only(Vec<String>);

impl Only {
    /// Those of `all` that are named by a word; where none is, those that are there `otherwise`.
    pub(crate) fn of<'a, T>(
        &self,
        all: &'a [T],
        is_called: impl Fn(&T, &str) -> bool,
        otherwise: impl Fn(&T) -> bool,
    ) -> Vec<&'a T> {
        let named: Vec<&T> = all.iter().filter(|each| self.0.iter().any(|word| is_called(each, word))).collect();
        if named.is_empty() { all.iter().filter(|each| otherwise(each)).collect() } else { named }
    }
}

fn usage() -> io::Error {
    io::Error::other(USAGE)
}
