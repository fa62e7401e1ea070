//! `info`: what the running processes are.

use clap::Args;

use super::arguments::Command;
use super::console::{BOLD, Cell, Console, Table};
use super::exit::{Exit, Stop};
use super::instances::{Address, Reply, Waiting, ask_once};
use super::invocation::Invocation;
use super::time::format_time;
use crate::service::protocol::{Answer, Content, Info as InfoAnswer, Request};

/// Print what the running processes are: channels, registration, host, log levels, settings
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo info
  valawai info c0_other --json

Settings that may contain a password are masked.

Permissions: configure '^$', write '^valawai\\.service$', read '^$'.
The exit code is 1 if nobody answers.")]
pub(super) struct Info {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    waiting: Waiting,
}

impl Command for Info {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let receivers = self.address.receivers(invocation)?;
        let operator = invocation.connect()?;
        for reply in ask_once(invocation, &operator, &Request::Info {}, &receivers, &self.waiting)? {
            if invocation.console.is_json() {
                invocation.console.object(&reply.json)?;
            } else if let Reply {
                answer: Answer { component, instance, version, content: Content::Info(info) }, ..
            } = reply
            {
                let title = Console::clean(format!("{component} {version}, instance {instance}"));
                invocation.console.line(invocation.console.paint(BOLD, title))?;
                print(&invocation.console, &info)?;
            }
        }
        Ok(invocation.outcome())
    }
}

fn print(console: &Console, info: &InfoAnswer) -> Result<(), Stop> {
    let mut table = Table::new(["", ""]);
    let registration = info.mov_id.as_deref().unwrap_or("not registered");
    table.row([Cell::text("level"), Cell::text(&info.level)]);
    table.row([Cell::text("registration"), Cell::text(registration)]);
    table.row([Cell::text("since"), Cell::text(format!("{} UTC", format_time(info.since)))]);
    table.row([Cell::text("host"), Cell::text(format!("{}, process {}", info.host, info.pid))]);
    table.row([Cell::text("log levels"), Cell::text(&info.log_levels)]);
    for channel in &info.channels {
        table.row([Cell::text(&channel.direction), Cell::text(&channel.name)]);
    }
    for setting in &info.settings {
        table.row([Cell::text(&setting.name), Cell::text(format!("{}  ({})", setting.value, setting.origin))]);
    }
    console.table(&table).map_err(Stop::from)
}
