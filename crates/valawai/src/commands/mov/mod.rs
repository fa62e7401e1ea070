//! `mov`: what the MOV knows, and how it connects channels.

mod change;
mod connect;
mod list;
pub(super) mod logs;
mod notify;
mod queues;
mod request;
pub(super) mod view;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use self::connect::EndpointArgument;
use self::view::View;
use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::time::parse_duration;
use crate::mov::payloads::Action as Change;
use crate::name::Id;

/// See and change what the Master Of VALAWAI connects
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  valawai mov components --pattern '/echo/'
  valawai mov connections
  MOV_URL=http://mov:8080 valawai mov logs --level ERROR
  valawai mov connect valawai/c0/voice/data/text valawai/c1/echo/data/received_message
  valawai mov disable 65a0b1c2d3e4f5061728394a

The MOV is asked by its REST interface if MOV_URL is set, else by its queues. Its queues tell neither its log nor which
connections were removed. Changes are requested by its queues; a change is waited for until it shows.

Permissions: configure '^valawai/(component|topology)/page$',
write '^(amq\\.default$|valawai/(component|topology)/)', read '^valawai/(component|topology)/page$'.
With MOV_URL, lists need no broker.

The exit code is 1 if something does not exist or the MOV refuses, 64 if an identifier is not 24 hexadecimal digits, and 75 if the
MOV does not answer in time.")]
pub(super) struct Mov {
    #[command(subcommand)]
    action: Action,
    /// How long to wait for the MOV
    #[arg(long, global = true, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the registered components
    Components {
        /// Only those with this name or description; /…/ is a regular expression
        #[arg(long)]
        pattern: Option<String>,
    },
    /// List the connections
    Connections {
        /// Only those of a channel with this name; /…/ is a regular expression
        #[arg(long)]
        pattern: Option<String>,
    },
    /// Print the end of the MOV's log; needs `MOV_URL`
    Logs {
        /// Only entries with this message; /…/ is a regular expression
        #[arg(long)]
        pattern: Option<String>,
        /// Only entries of this level
        #[arg(long, value_enum, ignore_case = true)]
        level: Option<LogLevel>,
        /// How many entries, at most
        #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
        count: u32,
        /// Go on with what is added, until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
    /// Connect a channel on which a component publishes with one that another component consumes
    Connect {
        /// The full name of the channel; ID:CHANNEL if several components have it
        source: EndpointArgument,
        /// The same of the other channel
        target: EndpointArgument,
        /// JavaScript that converts the messages: a function convertEncodedMessage(text) that returns a text
        #[arg(long, value_name = "FILE.js")]
        converter: Option<PathBuf>,
        /// Only create the connection: the MOV forwards nothing until it is enabled
        #[arg(long)]
        disabled: bool,
    },
    /// Forward the messages of a connection
    Enable {
        /// The connection
        id: Id,
    },
    /// Do not forward the messages of a connection
    Disable {
        /// The connection
        id: Id,
    },
    /// Remove a connection
    Remove {
        /// The connection
        id: Id,
    },
    /// Send the messages of a connection to C2 components as well
    #[command(
        after_help = "Without CHANNEL, all components that may observe the connection do: the MOV lets those that came after the \
connection wait for this."
    )]
    Notify {
        /// The connection
        id: Id,
        /// The channel of one C2 component; ID:CHANNEL if several have it
        channel: Option<EndpointArgument>,
        /// Do not send them any more
        #[arg(long)]
        off: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

impl Command for Mov {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let view = View::new(invocation, self.timeout)?;
        match &self.action {
            Action::Components { pattern } => list::components(invocation, &view, pattern.as_deref()),
            Action::Connections { pattern } => list::connections(invocation, &view, pattern.as_deref()),
            Action::Logs { pattern, level, count, follow } => {
                let level = level.map(|level| format!("{level:?}").to_uppercase());
                let (pattern, level, is_wanted) = (pattern.as_deref(), level.as_deref(), &|_: &_| true);
                logs::show(
                    invocation,
                    self.timeout,
                    &logs::Query { pattern, level, count: *count, follow: *follow, is_wanted },
                )
            }
            Action::Connect { source, target, converter, disabled } => {
                connect::connect(invocation, &view, (source, target), converter.as_deref(), !disabled)
            }
            Action::Enable { id } => change::change(invocation, &view, id, Change::Enable),
            Action::Disable { id } => change::change(invocation, &view, id, Change::Disable),
            Action::Remove { id } => change::change(invocation, &view, id, Change::Remove),
            Action::Notify { id, channel, off } => notify::notify(invocation, &view, id, channel.as_ref(), !off),
        }
    }
}
