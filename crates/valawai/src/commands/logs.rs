//! `logs`: shows what running processes log.

use std::time::Duration;

use clap::Args;
use regex_lite::Regex;

use super::arguments::Command;
use super::console::{BOLD, Console, DIM, RED, YELLOW};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::monitor::receivers;
use super::tap::{self, Observed, Tap, Wanted};
use super::time::{format_time, parse_duration};

/// Show what running processes log from now on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo logs
  valawai logs all --level warn
  c1_echo logs --grep 'cannot' --for 10m

The entries are those that components write to the log of the platform, before they are sent there. `mov logs` shows the history at
the MOV. Needs the permission to write to the exchange valawai.service. The exit code is 1 if nobody answers.")]
pub(super) struct Logs {
    /// Components, or `all`; by default the component that the command is for
    #[arg(value_name = "COMPONENT")]
    components: Vec<String>,
    /// Only this level and more severe ones: error, warn, info or debug
    #[arg(long, default_value = "debug", value_parser = parse_level)]
    level: log::Level,
    /// Only entries that match this regular expression
    #[arg(long, value_name = "REGEX", value_parser = Regex::new)]
    grep: Option<Regex>,
    /// Accepted for people who are used to it: the entries are always followed
    #[arg(long, short, hide = true)]
    follow: bool,
    /// End after so many entries
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    time: Option<Duration>,
}

impl Command for Logs {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let console = &invocation.console;
        let receivers = receivers(invocation, &self.components)?;
        let operator = invocation.connect()?;
        let channel = operator.open_for_requests()?;
        let mut tap = Tap::open(invocation, &channel, receivers, Wanted { messages: false, logs: true })?;
        let deadline = tap::deadline(self.time);
        let mut shown = 0;
        while self.count.is_none_or(|count| shown < count)
            && let Some(observed) = tap.next(console, deadline)?
        {
            if self.is_wanted(&observed) {
                shown += 1;
                print(console, &observed)?;
            }
        }
        // Ctrl-C is how it ends.
        Ok(Exit::Done)
    }
}

impl Logs {
    fn is_wanted(&self, Observed { copy, .. }: &Observed) -> bool {
        let text = copy.body.as_deref().unwrap_or_default();
        copy.source.parse::<log::Level>().is_ok_and(|level| level <= self.level)
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
