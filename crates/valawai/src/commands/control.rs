//! `control`: gives orders to running processes.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::arguments::{Command, assignment};
use super::console::{Cell, RED, Table};
use super::exit::{Exit, Stop};
use super::instances::{Receivers, Waiting, ask_once};
use super::invocation::Invocation;
use super::time::parse_duration;
use crate::secret::Secret;
use crate::service::protocol::{Content, Request};

/// Give an order to the running processes of a component: pause, resume, log-level, set, unset, reload, stop
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo control pause data/received_message --for 10m
  c1_echo control resume
  c1_echo control log-level debug --target valawai::mov --for 5m
  c1_echo control set workers=2 channels/data/received_message/prefetch=10
  valawai --component c0_other control stop --instance 1f2e3d4c

What is in flight when a channel is paused is finished; what waits stays in its queue. A pause, a log level and a setting end with
the process. Settings of the broker cannot be set: that would let whoever may give orders send the component's login elsewhere.
Permissions: configure '^$', write '^valawai\\.service$', read '^$'.
The exit code is 1 if nobody answers, or one of the processes refuses.")]
pub(super) struct Control {
    #[command(subcommand)]
    order: Order,
    /// One process of the component, as `ping` prints it
    #[arg(long, global = true, value_name = "ID")]
    instance: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Consume a channel no more, or all data channels
    Pause {
        /// As in `data/received_message`
        channel: Option<String>,
        /// For how long; until `resume` without it
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        time: Option<Duration>,
    },
    /// Consume a channel again, or all data channels
    Resume {
        /// As in `data/received_message`
        channel: Option<String>,
    },
    /// Change the level of the log on the console and in the file
    LogLevel {
        /// error, warn, info, debug, off, or reset for the configured levels
        level: String,
        /// Only the lines of this module, as in `valawai::mov`
        #[arg(long, value_name = "MODULE")]
        target: Option<String>,
        /// For how long; until it is changed without it
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        time: Option<Duration>,
    },
    /// Change settings until the process ends
    Set {
        /// As in `workers=2`, by their names or paths
        // Not called `settings`: that is the option of all commands.
        #[arg(required = true, value_name = "NAME=VALUE", value_parser = assignment)]
        assignments: Vec<(String, Secret)>,
    },
    /// Undo changes that were made with `set`, or on `control/parameters`
    Unset {
        /// As in `workers`
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Read the configuration file and the key-value store now
    Reload,
    /// Stop as after SIGTERM
    Stop,
}

impl Command for Control {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let receivers = Receivers::new(Some(invocation.target()?.name.clone()), self.instance.clone())?;
        let (request, action) = self.order.request(invocation);
        if invocation.dry_run {
            invocation.console.note(format!("would ask {} to {action}", receivers.text()));
            return Ok(Exit::Done);
        }
        if matches!(self.order, Order::Stop) {
            invocation.console.confirm(&format!("{} will {action}.", receivers.text()), &invocation.shutdown)?;
        }
        let operator = invocation.connect()?;
        let mut table = Table::new(["instance", "answer"]);
        let mut refused = false;
        for reply in ask_once(invocation, &operator, &request, &receivers, &self.waiting)? {
            if invocation.console.is_json() {
                invocation.console.object(&reply.json)?;
            }
            let answer = match reply.answer.content {
                Content::Done { message } => Cell::text(message),
                Content::Refused { reason } => {
                    refused = true;
                    Cell::text(reason).styled(RED)
                }
                _ => Cell::text("an unknown answer"),
            };
            table.row([Cell::text(reply.answer.instance), answer]);
        }
        if !invocation.console.is_json() {
            invocation.console.table(&table)?;
        }
        Ok(if refused { Exit::No } else { invocation.outcome() })
    }
}

impl Order {
    /// The request, and what it is, for people.
    fn request(&self, invocation: &Invocation) -> (Request, String) {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().max(1));
        let short = |channel: &Option<String>| {
            let channel = channel.as_ref()?;
            let named = invocation.target().ok().and_then(|target| target.channel(channel));
            Some(named.map_or_else(|| channel.clone(), |named| named.short().to_owned()))
        };
        let what = |channel: &Option<String>| channel.clone().unwrap_or_else(|| "all data channels".to_owned());
        match self {
            Self::Pause { channel, time } => {
                let channel = short(channel);
                let action = format!("pause {}", what(&channel));
                (Request::Pause { channel, seconds: seconds(*time) }, action)
            }
            Self::Resume { channel } => {
                let channel = short(channel);
                let action = format!("resume {}", what(&channel));
                (Request::Resume { channel }, action)
            }
            Self::LogLevel { level, target, time } => {
                let action = format!("log at {level}");
                let seconds = seconds(*time);
                (Request::LogLevel { level: level.clone(), target: target.clone(), seconds }, action)
            }
            Self::Set { assignments } => {
                let settings =
                    assignments.iter().map(|(name, value)| (name.clone(), Value::from(value.reveal()))).collect();
                (Request::Configure { settings, from: None }, "change settings".to_owned())
            }
            Self::Unset { names } => {
                let settings = names.iter().map(|name| (name.clone(), Value::Null)).collect();
                (Request::Configure { settings, from: None }, "undo changes of settings".to_owned())
            }
            Self::Reload => (Request::Reload {}, "read the settings again".to_owned()),
            Self::Stop => (Request::Stop {}, "stop".to_owned()),
        }
    }
}
