//! Results, and the report in three formats: Markdown for readers, JSON for programs, SVG for documentation.

mod chart;
mod json;
mod results;
mod table;
mod unit;
mod warnings;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::contestant::Contestant;
use crate::environment::Machine;

pub(crate) use results::{Metric, Results, Row};
pub(crate) use unit::{Unit, megabytes};

/// Everything that is reported.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) results: &'a Results,
    pub(crate) contestants: &'a [Contestant],
    pub(crate) machine: &'a Machine,
}

impl Report<'_> {
    /// The table of results, the machine, and warnings about noise.
    pub(crate) fn markdown(&self) -> String {
        let table = table::table(self.results, self.contestants);
        let warnings = warnings::warnings(self.results, self.machine);
        format!("{table}\n{}\n\n{warnings}", self.machine.describe())
    }

    /// Writes `benchmarks.md`, `benchmarks.json` and `benchmarks.svg`.
    pub(crate) fn write_to(&self, folder: &Path) -> Result<()> {
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
        };
        write("benchmarks.md", self.markdown())?;
        write("benchmarks.json", json::json(self))?;
        write("benchmarks.svg", chart::chart(self.results, self.contestants)?)
    }
}
