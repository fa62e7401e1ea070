//! `ping`: which processes are running.

use clap::Args;
use serde_json::json;

use super::arguments::Command;
use super::console::{Cell, Table};
use super::exit::{Exit, Stop};
use super::instances::{Address, Waiting, ask_once};
use super::invocation::Invocation;
use crate::service::protocol::Request;

/// Print the processes that answer, and how long they take
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo ping
  valawai ping all --timeout 500ms

Permissions: configure '^$', write '^valawai\\.service$', read '^$'.
The exit code is 1 if nobody answers.")]
pub(super) struct Ping {
    #[command(flatten)]
    address: Address,
    #[command(flatten)]
    waiting: Waiting,
}

impl Command for Ping {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let receivers = self.address.receivers(invocation)?;
        let operator = invocation.connect()?;
        let answers = ask_once(invocation, &operator, &Request::Ping {}, &receivers, &self.waiting)?;
        let mut table = Table::new(["component", "instance", "version", "round trip"]);
        for reply in answers {
            let milliseconds = reply.after.as_secs_f64() * 1000.0;
            let answer = reply.answer;
            if invocation.console.is_json() {
                invocation.console.object(&json!({
                    "component": answer.component, "instance": answer.instance, "version": answer.version,
                    "round_trip_ms": milliseconds,
                }))?;
            }
            table.row([
                Cell::text(answer.component),
                Cell::text(answer.instance),
                Cell::text(answer.version),
                Cell::number(format!("{milliseconds:.1} ms")),
            ]);
        }
        if !invocation.console.is_json() {
            invocation.console.table(&table)?;
        }
        Ok(invocation.outcome())
    }
}
