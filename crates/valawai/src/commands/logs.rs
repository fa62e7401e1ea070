//! `logs`: shows what running processes log.

use std::time::Duration;

use clap::Args;
use regex_lite::Regex;
use serde_json::Value;

use super::arguments::Command;
use super::console::{BOLD, Console, DIM, RED, YELLOW};
use super::exit::{Exit, Stop};
use super::instances::Receivers;
use super::invocation::Invocation;
use super::mov;
use super::mov::logs::Query;
use super::tap::{Observation, Observed, Wanted};
use super::time::format_time;

/// How many entries of the history are looked at.
const HISTORY: u32 = 1000;

/// How long the MOV has to answer.
const MOV_LIMIT: Duration = Duration::from_secs(10);

/// Show what running processes log from now on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo logs
  valawai logs all --level warn
  c1_echo logs --grep 'cannot' --for 10m
  c1_echo logs --mov --level error --follow

The entries are those that components write to the log of the platform, before they are sent there.

Permissions: configure '^$', write '^valawai\\.service$', read '^$'. With --mov: none, but MOV_URL.
The exit code is 1 if nobody answers.")]
pub(super) struct Logs {
    #[command(flatten)]
    observation: Observation,
    /// Only this level and more severe ones: error, warn, info or debug
    #[arg(long, default_value = "debug", value_parser = parse_level)]
    level: log::Level,
    /// Only entries that match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = Regex::new)]
    grep: Option<Regex>,
    /// The history at the MOV instead, which needs `MOV_URL`
    #[arg(long)]
    mov: bool,
    /// With --mov: go on with what is added; otherwise that is always so
    #[arg(long, short)]
    follow: bool,
}

impl Command for Logs {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        if self.mov {
            return self.show_history(invocation);
        }
        let wanted = Wanted { messages: false, logs: true };
        self.observation.run(invocation, wanted, |observed| {
            let is_wanted = self.is_wanted(observed);
            if is_wanted {
                print(&invocation.console, observed)?;
            }
            Ok(is_wanted)
        })?;
        // Ctrl-C is how it ends.
        Ok(Exit::Done)
    }
}

impl Logs {
    fn show_history(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let Observation { components, count, .. } = &self.observation;
        let receivers = Receivers::of_components(invocation, components)?;
        let is_wanted = |entry: &Value| {
            let text =
                |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let component = entry.get("component").map(|component| text(component, "name")).unwrap_or_default();
            receivers.iter().any(|it| it.include(&component))
                && self.matches(&text(entry, "level"), &text(entry, "message"))
        };
        let count = count.map_or(HISTORY, |count| u32::try_from(count).unwrap_or(u32::MAX));
        let query = Query { pattern: None, level: None, count, follow: self.follow, is_wanted: &is_wanted };
        mov::logs::show(invocation, MOV_LIMIT, &query)
    }

    fn is_wanted(&self, Observed { copy, .. }: &Observed) -> bool {
        self.matches(&copy.source, copy.body.as_deref().unwrap_or_default())
    }

    fn matches(&self, level: &str, text: &str) -> bool {
        level.parse::<log::Level>().is_ok_and(|level| level <= self.level)
            && self.grep.as_ref().is_none_or(|searched| searched.is_match(text))
    }
}

fn print(console: &Console, Observed { component, instance, copy, json }: &Observed) -> Result<(), Stop> {
    if console.is_json() {
        return console.object(json).map_err(Stop::from);
    }
    let style = match copy.source.parse() {
        Ok(log::Level::Error) => RED,
        Ok(log::Level::Warn) => YELLOW,
        _ => BOLD,
    };
    let who = console.paint(
        DIM,
        format!("{} {}", format_time(copy.at_ms / 1000), Console::clean(format!("{component} {instance}"))),
    );
    let level = console.paint(style, Console::clean(&copy.source));
    let text = Console::clean(copy.body.as_deref().unwrap_or_default());
    console.line(format!("{who} {level} {text}")).map_err(Stop::from)
}

fn parse_level(text: &str) -> Result<log::Level, String> {
    text.parse().map_err(|_| "error, warn, info or debug".to_owned())
}
