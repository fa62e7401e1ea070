//! `asyncapi`: prints the contract.

use clap::Args;

use super::arguments::Command;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use crate::asyncapi;

/// Print the component's asyncapi.yaml
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo asyncapi > asyncapi.yaml
  c1_echo asyncapi --json | jq .channels

It is the contract with which the program was built, and which it registers; with --asyncapi, that file. Needs no broker.")]
pub(super) struct Asyncapi {}

impl Command for Asyncapi {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let contract = invocation.target()?.contract.as_deref();
        let contract = contract.ok_or_else(|| Stop::usage("which contract? Add --asyncapi FILE"))?;
        if invocation.console.is_json() {
            let document = asyncapi::document(contract);
            invocation.console.object(&document.ok_or_else(|| Stop::no("the contract is too large for JSON"))?)?;
            return Ok(Exit::Done);
        }
        for line in contract.lines() {
            invocation.console.line(Console::clean(line))?;
        }
        Ok(Exit::Done)
    }
}
