//! `resurrect`: an alias of `dead-letters replay` for a queue that is given by its name.

use clap::Args;

use super::arguments::Command;
use super::dead_letters::{Scope, carry_out};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;

/// Publish the messages of any queue to where they came from: `dead-letters replay` for those who know `resurrect`
#[derive(Debug, Args)]
#[command(after_help = "Example: c1_echo resurrect valawai/c1/echo/dead_letter/data/received_message")]
pub(super) struct Resurrect {
    /// The queue of the dead messages
    queue: String,
    #[command(flatten)]
    scope: Scope,
}

impl Command for Resurrect {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let operator = invocation.connect()?;
        let queue = invocation.queue(&self.queue);
        let Some(state) = operator.inspect(&queue)? else {
            return Err(Stop::no(format!("the queue {queue} does not exist")));
        };
        if state.messages == 0 && !self.scope.follow {
            invocation.console.note(format!("the queue {queue} is empty"));
            return Ok(Exit::Done);
        }
        let plan = self.scope.plan(invocation, queue, state.messages, String::new());
        carry_out(invocation, &operator, &[plan])
    }
}
