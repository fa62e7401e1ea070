//! `inspect`: prints what waits in a queue.

use clap::Args;

use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::messages::{self, FILTER_HELP, Filter, Waiting};
use crate::broker::amqp::operator::OperatorLink;

/// Print the messages that wait in a queue, without consuming them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo inspect data/received_message
  valawai inspect valawai/c1/echo/data/received_message --count 100 --json

The messages are fetched and returned to the queue when the command ends: they keep their places, but the broker marks them as
redelivered, and other consumers do not get them meanwhile. Before RabbitMQ 4.3, a quorum queue counts that as a delivery, and drops
a message after its delivery limit, which is 20 in 4.0. Attempts of components of this kit are counted in the header x-attempts, which does not change.

Permissions: configure '^$', write '^$', read the queue, as in '^valawai/c1/echo/data/'.
The exit code is 1 if the queue does not exist.")]
pub(super) struct Inspect {
    /// A queue, or a channel of the component: `data/received_message`, or `dead_letter/data/received_message`
    queue: String,
    /// How many messages, at most
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N")]
    count: u64,
    #[arg(long = "where", value_name = "CONDITION", help = FILTER_HELP)]
    filters: Vec<Filter>,
}

impl Command for Inspect {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let console = &invocation.console;
        let queue = invocation.queue(&self.queue);
        let operator = invocation.connect()?;
        let Some(state) = operator.inspect(&queue)? else {
            return Err(Stop::no(format!("the queue {queue} does not exist")));
        };
        // What arrives from now on is not looked at.
        let waiting = u64::from(state.messages);
        if state.messages == 0 {
            console.note(format!("the queue {queue} is empty"));
            return Ok(Exit::Done);
        }
        let channels = operator.open()?;
        let mut link = OperatorLink::new(&channels)?;
        // Without a condition, no more are taken from other consumers than are printed.
        let limit = if self.filters.is_empty() { self.count.min(waiting) } else { waiting };
        let mut messages = Waiting::consume(invocation, &operator, &mut link, &queue, limit)?;
        let mut progress = console.progress(limit);
        let (mut looked_at, mut printed) = (0, 0);
        while printed < self.count
            && let Some(message) = messages.next(&mut link)?
        {
            looked_at += 1;
            if Filter::all(&self.filters, &message.properties, &message.body) {
                printed += 1;
                messages::print(console, looked_at, &queue, &message)?;
            }
            progress.step();
        }
        drop(progress);
        drop(link);
        if !console.is_json() {
            let consumers = if state.consumers == 1 { "consumer" } else { "consumers" };
            console
                .note(format!("{printed} of {waiting} messages of {queue}, which has {} {consumers}", state.consumers));
        }
        Ok(if invocation.is_interrupted() { Exit::Interrupted } else { Exit::Done })
    }
}
