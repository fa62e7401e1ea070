//! `check`: what the MOV would make of a contract.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::arguments::Command;
use super::console::{BOLD, Cell, Console, GREEN, RED, Table, YELLOW};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use crate::asyncapi::{Direction, Finding, Report, ReportedChannel};
use crate::name::Level;

/// Check an asyncapi.yaml as the MOV reads it, without a broker
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo check
  valawai check asyncapi.yaml --json

Prints the component, its channels with the schemas that the MOV keeps of them, and with lines what makes the MOV refuse the
component, never notify it, or never connect or forward a channel (errors), and what is probably not meant (warnings), such as an
output that the MOV connects with an input of the same component. The MOV itself tells none of this to the component.

The exit code is 1 if there are errors. Needs no broker.")]
pub(super) struct Check {
    /// The contract; otherwise that of --asyncapi, or of this program
    #[arg(value_name = "asyncapi.yaml")]
    pub(super) file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Shown<'r> {
    component: Option<&'r str>,
    level: Option<&'static str>,
    version: Option<&'r str>,
    description: Option<&'r str>,
    channels: Vec<ShownChannel<'r>>,
    notified: bool,
    errors: Vec<ShownFinding<'r>>,
    warnings: Vec<ShownFinding<'r>>,
}

#[derive(Serialize)]
struct ShownChannel<'r> {
    name: &'r str,
    directions: Vec<&'static str>,
    line: usize,
    schema: Option<&'r Value>,
}

#[derive(Serialize)]
struct ShownFinding<'r> {
    line: usize,
    text: &'r str,
}

impl Command for Check {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let (name, text) = self.contract(invocation)?;
        let report = Report::of(&text);
        if invocation.console.is_json() {
            invocation.console.object(&to_json(&report))?;
        } else {
            print(&invocation.console, &name, &report)?;
        }
        Ok(if report.errors.is_empty() { Exit::Done } else { Exit::No })
    }
}

impl Check {
    /// The name and the text of the contract.
    fn contract(&self, invocation: &Invocation) -> Result<(String, String), Stop> {
        let Some(file) = &self.file else {
            let contract = invocation.target()?.contract.as_deref();
            let contract = contract.ok_or_else(|| Stop::usage("which contract? As in `check asyncapi.yaml`"))?;
            return Ok(("asyncapi.yaml".to_owned(), contract.to_owned()));
        };
        let name = file.display().to_string();
        match fs::read(file) {
            Ok(bytes) => Ok((name, String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Err(Stop::usage(format!("cannot read {name}: {error}"))),
        }
    }
}

fn print(console: &Console, name: &str, report: &Report) -> Result<(), Stop> {
    let Report { component, level, version, description, channels, is_notified, errors, warnings } = report;
    if let Some(component) = component {
        let level = level.map(Level::upper).unwrap_or_default();
        let version = version.as_deref().map(|it| format!(", version {it} of the contract")).unwrap_or_default();
        console.line(format!(
            "{}  {level}{}",
            console.paint(BOLD, Console::clean(component)),
            Console::clean(version)
        ))?;
    }
    if let Some(description) = description {
        console.line(Console::clean(description))?;
    }
    if !channels.is_empty() {
        console.line("")?;
        let mut table = Table::new(["channel", "direction", "line", "schema"]);
        for channel in channels {
            let schema = channel.summary.as_deref().unwrap_or("none: never connected");
            let directions = directions(channel).join(" and ");
            let cells = [Cell::text(channel.name.short()), Cell::text(directions), Cell::number(channel.line)];
            let schema = if channel.summary.is_some() { Cell::text(schema) } else { Cell::text(schema).styled(RED) };
            table.row(cells.into_iter().chain([schema]));
        }
        console.table(&table)?;
        let (style, notice) = if *is_notified {
            (GREEN, "the MOV notifies the component that it is registered")
        } else {
            (RED, "the MOV never notifies the component")
        };
        console.line(format!("\n{}", console.paint(style, notice)))?;
    }
    for (findings, style, kind) in [(errors, RED, "error"), (warnings, YELLOW, "warning")] {
        for Finding { line, text } in findings {
            let place = Console::clean(format!("{name}:{line}"));
            console.line(format!("{place}: {}: {}", console.paint(style, kind), Console::clean(text)))?;
        }
    }
    let count = |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    console.note(format!("{}, {}", count(errors.len(), "error"), count(warnings.len(), "warning")));
    Ok(())
}

/// What the component does with the channel.
fn directions(channel: &ReportedChannel) -> Vec<&'static str> {
    let word = |direction: &Direction| match direction {
        Direction::Consume => "consumes",
        Direction::Publish => "publishes",
    };
    channel.directions.iter().map(word).collect()
}

fn to_json(report: &Report) -> Shown<'_> {
    Shown {
        component: report.component.as_deref(),
        level: report.level.map(Level::upper),
        version: report.version.as_deref(),
        description: report.description.as_deref(),
        channels: report.channels.iter().map(channel_to_json).collect(),
        notified: report.is_notified,
        errors: report.errors.iter().map(finding_to_json).collect(),
        warnings: report.warnings.iter().map(finding_to_json).collect(),
    }
}

fn channel_to_json(channel: &ReportedChannel) -> ShownChannel<'_> {
    ShownChannel {
        name: channel.name.queue(),
        directions: directions(channel),
        line: channel.line,
        schema: channel.schema.as_ref(),
    }
}

fn finding_to_json(Finding { line, text }: &Finding) -> ShownFinding<'_> {
    ShownFinding { line: *line, text }
}
