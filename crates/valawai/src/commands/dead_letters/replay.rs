//! `dead-letters replay`: publishes dead letters to where they came from.

use clap::Args;
use serde_json::json;

use super::mover::Mover;
use super::plan::{Destination, Plan};
use super::queues;
use crate::broker::amqp::operator::{Operator, OperatorLink};
use crate::commands::console::Console;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::messages::{FILTER_HELP, Filter, Waiting};

/// Publish dead letters to where they came from, and remove each when it has arrived
#[derive(Debug, Args)]
#[command(after_help = "\
Each is published to the queue in its header x-original-queue (else x-first-death-queue, else the newest x-death), mandatory and
with a confirm, and then acknowledged: whatever is killed, none is lost; a duplicate carries its message_id. The order is kept. Only
what is there at the start is replayed, so a message that dies again is not replayed again.

Permissions: configure '^$', write '^amq\\.default$', read '^valawai/.*/dead_letter/'.
The exit code is 1 if messages had to be left that were to be replayed.")]
pub(super) struct Replay {
    /// The channel of which they are; without it, of all
    channel: Option<String>,
    #[command(flatten)]
    scope: Scope,
}

/// Which messages are moved, where, and how fast: for the aliases as well.
#[derive(Debug, Clone, Args)]
pub(in crate::commands) struct Scope {
    /// How many, at most
    #[arg(long, short = 'n', value_name = "N")]
    pub(in crate::commands) count: Option<u64>,
    #[arg(long = "where", value_name = "CONDITION", help = FILTER_HELP)]
    pub(in crate::commands) filters: Vec<Filter>,
    /// To this queue or channel, instead of where they came from
    #[arg(long, value_name = "QUEUE")]
    pub(in crate::commands) to: Option<String>,
    /// How many a second, at most
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    pub(in crate::commands) rate: Option<f64>,
    /// Keep the count of failed attempts, and the headers of deaths; otherwise attempts start over
    #[arg(long)]
    pub(in crate::commands) keep_attempts: bool,
    /// Go on with what arrives later, until Ctrl-C; a message that dies again is left
    #[arg(long)]
    pub(in crate::commands) follow: bool,
}

impl Replay {
    pub(super) fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let operator = invocation.connect()?;
        let mut found = queues::dead_letter_queues(invocation, &operator, self.channel.as_deref())?;
        found.retain(|queue| queue.state.messages > 0 || self.scope.follow);
        if found.is_empty() {
            invocation.console.note("there are no dead letters");
            return Ok(Exit::Done);
        }
        if self.scope.follow && found.len() > 1 {
            return Err(Stop::usage("--follow needs a CHANNEL, because several have dead letters"));
        }
        let prefix = invocation.target()?.queue("");
        let plans: Vec<Plan> = found
            .into_iter()
            .map(|queue| self.scope.plan(invocation, queue.name, queue.state.messages, prefix.clone()))
            .collect();
        carry_out(invocation, &operator, &plans)
    }
}

impl Scope {
    /// The plan for the queue `from`. Where messages came from must begin with `prefix`.
    pub(in crate::commands) fn plan(
        &self,
        invocation: &Invocation,
        from: String,
        waiting: u32,
        prefix: String,
    ) -> Plan {
        let to = match &self.to {
            Some(text) => Destination::Fixed { exchange: String::new(), key: Some(invocation.queue(text)) },
            None => Destination::Origin { prefix },
        };
        Plan {
            from,
            to,
            count: self.count,
            waiting: waiting.into(),
            follow: self.follow,
            filters: self.filters.clone(),
            rate: self.rate,
            keep_attempts: self.keep_attempts,
            max_attempts: None,
        }
    }
}

/// Asks, and carries out the plans one after the other. With `--dry-run`, says what they would do.
pub(in crate::commands) fn carry_out(
    invocation: &Invocation,
    operator: &Operator,
    plans: &[Plan],
) -> Result<Exit, Stop> {
    let console = &invocation.console;
    if !invocation.dry_run {
        let what: Vec<String> = plans.iter().map(Plan::description).collect();
        console.confirm(&Console::clean(what.join(" ")), &invocation.shutdown)?;
    }
    let mut worst = Exit::Done;
    let mut moved = 0;
    for plan in plans {
        // --count is for all queues together.
        let count = plan.count.map(|count| count.saturating_sub(moved));
        if count == Some(0) {
            break;
        }
        let plan =
            &Plan { count, from: plan.from.clone(), to: plan.to.clone(), filters: plan.filters.clone(), ..*plan };
        if invocation.dry_run {
            moved += dry_run(invocation, operator, plan)?;
            continue;
        }
        let channels = operator.open()?;
        let mut link = OperatorLink::new(&channels)?;
        let (report, result) = Mover::new(invocation, operator, plan).run(&mut link);
        let exit = report.print(console, plan)?;
        result?;
        moved += report.total();
        worst = if exit == Exit::Done { worst } else { exit };
        if invocation.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
    }
    Ok(worst)
}

/// Prints what would become of each message. Returns how many would be moved.
fn dry_run(invocation: &Invocation, operator: &Operator, plan: &Plan) -> Result<u64, Stop> {
    let console = &invocation.console;
    let channels = operator.open()?;
    let mut link = OperatorLink::new(&channels)?;
    let mut waiting = Waiting::consume(invocation, operator, &mut link, &plan.from, plan.waiting)?;
    let mut moved = 0;
    while plan.count.is_none_or(|count| moved < count)
        && let Some(message) = waiting.next(&mut link)?
    {
        let id = message.properties.message_id().unwrap_or("a message without an id");
        match plan.destination(&message) {
            Ok((exchange, key)) => {
                moved += 1;
                if console.is_json() {
                    console.object(&json!({"message_id": id, "exchange": exchange, "key": key}))?;
                } else {
                    console.line(Console::clean(format!("{id} would go to {exchange}{key}")))?;
                }
            }
            Err(reason) if console.is_json() => {
                console.object(&json!({"message_id": id, "left": reason.explanation().0}))?;
            }
            Err(reason) => console.line(Console::clean(format!("{id} would be left: {}", reason.explanation().1)))?,
        }
    }
    console.note(format!("{moved} messages would be moved; nothing was done"));
    Ok(moved)
}

/// Parses a rate that is not zero.
pub(in crate::commands) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "a number of messages a second".to_owned())?;
    if rate.is_finite() && rate >= 0.001 {
        Ok(rate)
    } else {
        Err("a number of messages a second, at least 0.001".to_owned())
    }
}
