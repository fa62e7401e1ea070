//! `requeue`: an alias of `dead-letters replay` with the arguments of the tool of another platform.

use std::time::Duration;

use clap::Args;

use super::arguments::Command;
use super::dead_letters::{Destination, Plan, carry_out};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::time::parse_duration;

/// Publish the messages of a queue again: `dead-letters replay` for those who know `requeue`
#[derive(Debug, Args)]
#[command(after_help = "\
Example: c1_echo requeue -cq my_dead_letters -rrk my_queue -mr 5 -wtr 0.5

Unlike that tool it ends when all that was there is published, keeps headers and properties, and removes a message only when a queue
has it. Without a routing key, messages go to where they came from.")]
pub(super) struct Requeue {
    /// The queue of the dead messages (-cq)
    #[arg(long, value_name = "Q", alias = "consuming-queues")]
    consuming_queue: String,
    /// The routing key to publish with, on the default exchange a queue (-rrk)
    #[arg(long, value_name = "K")]
    retry_routing_key: Option<String>,
    /// The exchange to publish to (-ren); without a routing key, each message keeps its own
    #[arg(long, value_name = "E")]
    retry_exchange_name: Option<String>,
    /// Leave messages with more failed attempts (-mr)
    #[arg(long, value_name = "N")]
    max_retries: Option<u64>,
    /// Seconds before each message (-wtr)
    #[arg(long = "wait-to-requeue", value_name = "S", value_parser = parse_duration)]
    wait: Option<Duration>,
    /// Accepted, without a meaning, as there (-rttl)
    #[arg(long, value_name = "MS", hide = true)]
    retry_ttl: Option<String>,
    /// Accepted: the names of queues contain it (-o)
    #[arg(long, short, hide = true)]
    organization: Option<String>,
    /// Accepted: the names of queues contain it (-s)
    #[arg(long, short, hide = true)]
    service: Option<String>,
}

/// The options of that tool with one hyphen and several letters.
pub(super) const SHORT: [(&str, &str); 6] = [
    ("-cq", "--consuming-queue"),
    ("-rrk", "--retry-routing-key"),
    ("-ren", "--retry-exchange-name"),
    ("-mr", "--max-retries"),
    ("-rttl", "--retry-ttl"),
    ("-wtr", "--wait-to-requeue"),
];

impl Command for Requeue {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let operator = invocation.connect()?;
        let mut plans = Vec::new();
        for queue in self.consuming_queue.split(',').map(str::trim) {
            let queue = invocation.queue(queue);
            let Some(state) = operator.inspect(&queue)? else {
                return Err(Stop::no(format!("the queue {queue} does not exist")));
            };
            if state.messages == 0 {
                invocation.console.note(format!("the queue {queue} is empty"));
                continue;
            }
            plans.push(self.plan(queue, state.messages));
        }
        if plans.is_empty() { Ok(Exit::Done) } else { carry_out(invocation, &operator, &plans) }
    }
}

impl Requeue {
    fn plan(&self, from: String, waiting: u32) -> Plan {
        let to = match (&self.retry_exchange_name, &self.retry_routing_key) {
            (None, None) => Destination::Origin { prefix: String::new() },
            (exchange, key) => Destination::Fixed { exchange: exchange.clone().unwrap_or_default(), key: key.clone() },
        };
        let seconds = self.wait.map(|wait| wait.as_secs_f64()).filter(|seconds| *seconds > 0.0);
        Plan {
            from,
            to,
            count: None,
            waiting: waiting.into(),
            follow: false,
            filters: Vec::new(),
            rate: seconds.map(|seconds| 1.0 / seconds),
            keep_attempts: false,
            max_attempts: self.max_retries,
        }
    }
}
