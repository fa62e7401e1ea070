//! The command line.

mod selection;

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short};

use crate::contestant::{Component, Programs};

pub(crate) use selection::Selection;

/// The text of `--help`. `runBenchmarks.sh` prints the same file.
pub(crate) const USAGE: &str = include_str!("usage.txt");

const DEFAULT_ROUNDS: usize = 3;
const DEFAULT_QUICK_ROUNDS: usize = 2;

/// The options of the command line.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) help: bool,
    pub(crate) quick: bool,
    pub(crate) profile: bool,
    pub(crate) rounds: usize,
    /// The words of `--only`.
    pub(crate) only: Vec<String>,
    /// The output folder.
    pub(crate) out: PathBuf,
    pub(crate) programs: Programs,
}

impl Options {
    /// Reads the arguments of this process.
    pub(crate) fn from_args() -> Result<Self> {
        let mut options =
            Self::parse(lexopt::Parser::from_env()).map_err(|error| anyhow!("{error} (--help lists the options)"))?;
        // Cargo builds the Rust contestants into the folder of this program, and runBenchmarks.sh the one in C.
        let program = env::current_exe()?;
        options.programs.compiled = program.parent().context("the program is not in a folder")?.into();
        Ok(options)
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let (mut help, mut quick, mut profile) = (false, false, false);
        let (mut rounds, mut only, mut out) = (None, Vec::new(), PathBuf::from("."));
        let mut programs = Programs::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => help = true,
                Long("quick") => quick = true,
                Long("profile") => profile = true,
                Long("rounds") => rounds = Some(parser.value()?.parse_with(parse_rounds)?),
                Long("only") => only = parser.value()?.string()?.split('/').map(str::to_owned).collect(),
                Long("out") => out = parser.value()?.into(),
                Long("component") => programs.components.push(Component::parse(&parser.value()?.string()?)),
                Long("scripts") => programs.scripts = parser.value()?.into(),
                Long("python") => programs.python = Some(parser.value()?.into()),
                _ => return Err(argument.unexpected()),
            }
        }
        let rounds = rounds.unwrap_or(if quick { DEFAULT_QUICK_ROUNDS } else { DEFAULT_ROUNDS });
        Ok(Self { help, quick, profile, rounds, only, out, programs })
    }
}

fn parse_rounds(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(rounds) if rounds > 0 => Ok(rounds),
        _ => Err("the number of rounds must be at least 1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, lexopt::Error> {
        Options::parse(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn rounds_default_to_fewer_with_quick() {
        assert_eq!(parse(&[]).unwrap().rounds, 3);
        assert_eq!(parse(&["--quick"]).unwrap().rounds, 2);
        assert_eq!(parse(&["--quick", "--rounds", "5"]).unwrap().rounds, 5);
    }

    #[test]
    fn components_accumulate() {
        let options = parse(&["--component", "/tmp/new", "--component", "old=/tmp/old"]).unwrap();
        let names: Vec<&str> = options.programs.components.iter().map(|component| component.name.as_str()).collect();
        assert_eq!(names, ["c1_echo", "old"]);
    }

    #[test]
    fn invalid_arguments_are_rejected() {
        for arguments in [&["--unknown"] as &[&str], &["word"], &["--rounds"], &["--rounds", "0"], &["--rounds", "x"]] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
