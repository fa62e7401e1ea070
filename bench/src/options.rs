//! What the benchmark is told on its command line, which is `runBenchmarks.sh`.

use std::env;
use std::io;
use std::path::PathBuf;

use crate::contestant::Programs;

const USAGE: &str = "runBenchmarks.sh [--quick] [--rounds N] [--only WORD[,WORD…]] [--out FOLDER]
  --quick   fewer workloads and rounds: under two minutes
  --rounds  how often everything is measured; 5 by default, 3 with --quick
  --only    only these measurements (throughput, latency, cost, backlog, scaling) or contestants (the ceiling always)
  --out     the folder for benchmarks.json, benchmarks.svg and benchmarks.md";

/// What the benchmark is told.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) only: Vec<String>,
    pub(crate) out: PathBuf,
    pub(crate) programs: Programs,
}

impl Options {
    pub(crate) fn read() -> io::Result<Self> {
        let mut arguments = env::args().skip(1);
        let (mut quick, mut rounds, mut only, mut out, mut component, mut scripts, mut python) =
            (false, None, Vec::new(), PathBuf::from("."), PathBuf::new(), PathBuf::new(), None);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(usage);
            match argument.as_str() {
                "--quick" => quick = true,
                "--rounds" => rounds = Some(value()?.parse().map_err(|_| usage())?),
                "--only" => only = value()?.split(',').map(str::to_owned).collect(),
                "--out" => out = value()?.into(),
                "--component" => component = value()?.into(),
                "--scripts" => scripts = value()?.into(),
                "--python" => python = Some(value()?.into()),
                _ => return Err(usage()),
            }
        }
        let compiled = env::current_exe()?.parent().expect("a program is in a folder").to_owned();
        let programs = Programs { component, compiled, scripts, python };
        Ok(Self { quick, rounds: rounds.unwrap_or(if quick { 3 } else { 5 }), only, out, programs })
    }
}

fn usage() -> io::Error {
    io::Error::other(USAGE)
}
