//! `dead-letters`: messages that could not be processed, and where they wait.
//!
//! `queues` finds the queues, and `letter` reads what a dead letter tells about itself. `replay` and the aliases `resurrect` and
//! `requeue` make a [`plan::Plan`], which `mover` carries out.

mod acknowledgements;
mod destinations;
mod letter;
mod list;
mod mover;
mod plan;
mod purge;
mod queues;
mod replay;
mod report;
mod show;

use clap::{Args, Subcommand};

pub(super) use self::plan::{Destination, Plan};
pub(super) use self::replay::{Scope, carry_out};
use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;

/// List, show, replay or delete dead letters; without a command, list them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo dead-letters                                   how many, since when, and why
  c1_echo dead-letters show --count 5
  c1_echo dead-letters replay --where header:x-error~=timeout
  c1_echo dead-letters purge --older-than 7d --export old.jsonl
  valawai dead-letters show data/text --component c1_word_count

What is listed and shown is read and returned to its place, as `inspect` does: the broker marks it as redelivered.

Permissions: configure '^$', write '^$', read '^valawai/.*/(dead_letter|retry)/'.")]
pub(super) struct DeadLetters {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(list::List),
    Show(show::Show),
    Replay(replay::Replay),
    Purge(purge::Purge),
}

impl Command for DeadLetters {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        match &self.action {
            None | Some(Action::List(_)) => list::List::run(invocation),
            Some(Action::Show(action)) => action.run(invocation),
            Some(Action::Replay(action)) => action.run(invocation),
            Some(Action::Purge(action)) => action.run(invocation),
        }
    }
}
