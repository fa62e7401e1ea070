//! `config`: the effective settings, where they come from, and how they change.

mod watch;

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::commands::arguments::Command;
use crate::commands::console::{Cell, Console, DIM, Table};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::settings::{Effective, table};

/// Show the effective settings
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo config show --sources
  c1_echo config get RABBITMQ_HOST
  c1_echo config watch

These are the settings that the component would have if it ran with the environment of this command: inside its container, its
own. What operators have changed with `control set` is shown by `info`. Passwords are masked. The exit code is 78 if settings are
invalid, and 1 if there is no such setting. Needs no broker.")]
pub(super) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print all settings
    Show {
        /// Print where each comes from: the default, the environment, a file, or a key-value store
        #[arg(long)]
        sources: bool,
        /// Print when a change of each takes effect
        #[arg(long)]
        effects: bool,
    },
    /// Print one setting
    Get {
        /// Its name, as in `RABBITMQ_HOST`
        path: String,
        /// Print where it comes from, too
        #[arg(long)]
        sources: bool,
    },
    /// Print each change of the key-value store and of the configuration file, until Ctrl-C
    Watch,
}

#[derive(Serialize)]
struct Shown<'s> {
    name: &'s str,
    value: &'s str,
    source: &'s str,
    change: &'s str,
}

impl Command for Config {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        if let Action::Watch = self.action {
            return watch::run(invocation);
        }
        let settings = invocation.all_settings()?.effective;
        let console = &invocation.console;
        match &self.action {
            Action::Watch => {}
            Action::Show { sources, effects } => show(console, &settings, *sources, *effects)?,
            Action::Get { path, sources } => {
                let find = |setting: &&Effective| setting.name.eq_ignore_ascii_case(path);
                let Some(setting) = settings.iter().find(find) else {
                    let text = format!("there is no setting {path}; `config show` prints all");
                    return Err(Stop::no(text));
                };
                if console.is_json() {
                    console.object(&to_json(setting))?;
                } else {
                    let source = if *sources { format!("  ({})", setting.origin) } else { String::new() };
                    console.line(format!("{}{}", Console::clean(&setting.value), console.paint(DIM, source)))?;
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn show(console: &Console, settings: &[Effective], sources: bool, effects: bool) -> Result<(), Stop> {
    if console.is_json() {
        return Ok(settings.iter().try_for_each(|setting| console.object(&to_json(setting)))?);
    }
    let columns = [("setting", true), ("value", true), ("source", sources), ("a change", effects)];
    let mut table = Table::new(columns.into_iter().filter_map(|(name, is_shown)| is_shown.then_some(name)));
    for setting in settings {
        let value =
            if setting.value.is_empty() { Cell::text("(not set)").styled(DIM) } else { Cell::text(&setting.value) };
        let source = Cell::text(&setting.origin);
        let source = if setting.is_default() { source.styled(DIM) } else { source };
        let effect = Cell::text(table::effect(&setting.name).text()).styled(DIM);
        let further = sources.then_some(source).into_iter().chain(effects.then_some(effect));
        table.row([Cell::text(&setting.name), value].into_iter().chain(further));
    }
    Ok(console.table(&table)?)
}

fn to_json(setting: &Effective) -> Shown<'_> {
    Shown {
        name: &setting.name,
        value: &setting.value,
        source: &setting.origin,
        change: table::effect(&setting.name).text(),
    }
}
