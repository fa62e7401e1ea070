//! `dead-letters list`: how many there are, since when, and why.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::letter::Letter;
use super::queues::{self, DeadLetterQueue};
use crate::broker::amqp::operator::{Operator, OperatorLink};
use crate::commands::console::{Cell, Console, DIM, RED, Table};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::messages::Waiting;
use crate::commands::time::format_time;

/// How many different reasons are counted; a reason may contain what differs in each message.
const MAX_REASONS: usize = 1000;

/// How many reasons are printed for people.
const PRINTED_REASONS: usize = 5;

/// The longest part of a reason that is printed for people, in characters.
const PRINTED_REASON: usize = 100;

/// List the dead-letter and retry queues: count, oldest, newest, reasons
#[derive(Debug, Args)]
pub(super) struct List {}

/// A queue of the list.
#[derive(Debug, Default, Serialize)]
struct Listed {
    queue: String,
    /// `dead_letter` or `retry`.
    kind: &'static str,
    messages: u32,
    consumers: u32,
    /// The oldest and the newest failure, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<u64>,
    /// The most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    reason: String,
    count: u64,
}

impl List {
    pub(super) fn run(invocation: &Invocation) -> Result<Exit, Stop> {
        let operator = invocation.connect()?;
        let mut found = Vec::new();
        for queue in queues::dead_letter_queues(invocation, &operator, None)? {
            found.push(read(invocation, &operator, &queue)?);
        }
        // Messages in retry queues are not read: their time runs.
        for queue in queues::retry_queues(invocation.target()?, &invocation.settings()?.retry)? {
            if let Some(state) = operator.inspect(&queue.name)? {
                let (messages, consumers) = (state.messages, state.consumers);
                found.push(Listed { queue: queue.name, kind: "retry", messages, consumers, ..Listed::default() });
            }
        }
        print(&invocation.console, &found)?;
        Ok(if invocation.is_interrupted() { Exit::Interrupted } else { Exit::Done })
    }
}

fn read(invocation: &Invocation, operator: &Operator, queue: &DeadLetterQueue) -> Result<Listed, Stop> {
    let state = queue.state;
    let mut listed = Listed {
        queue: queue.name.clone(),
        kind: "dead_letter",
        messages: state.messages,
        consumers: state.consumers,
        ..Listed::default()
    };
    if state.messages == 0 {
        return Ok(listed);
    }
    let channels = operator.open()?;
    let mut link = OperatorLink::new(&channels)?;
    let mut waiting = Waiting::consume(invocation, operator, &mut link, &queue.name, state.messages.into())?;
    let mut progress = invocation.console.progress(state.messages.into());
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(message) = waiting.next(&mut link)? {
        let letter = Letter::read(&message.properties);
        let reason = letter.error.unwrap_or_else(|| "unknown".to_owned());
        if reasons.len() < MAX_REASONS || reasons.contains_key(&reason) {
            *reasons.entry(reason).or_default() += 1;
        } else {
            *reasons.entry("others".to_owned()).or_default() += 1;
        }
        listed.oldest = listed.oldest.into_iter().chain(letter.failed_at).min();
        listed.newest = listed.newest.max(letter.failed_at);
        progress.step();
    }
    listed.reasons = reasons.into_iter().map(|(reason, count)| Reason { reason, count }).collect();
    listed.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
    Ok(listed)
}

fn print(console: &Console, found: &[Listed]) -> std::io::Result<()> {
    if console.is_json() {
        return found.iter().try_for_each(|listed| console.object(listed));
    }
    if found.is_empty() {
        console.note("there are no dead letters, and no messages that wait for a retry");
        return Ok(());
    }
    let time = |time: Option<u64>| Cell::text(time.map_or_else(String::new, format_time));
    let mut table = Table::new(["queue", "messages", "oldest (UTC)", "newest (UTC)"]);
    for listed in found {
        let messages = Cell::number(listed.messages);
        let is_alarming = listed.kind == "dead_letter" && listed.messages > 0;
        let messages = if is_alarming { messages.styled(RED) } else { messages };
        table.row([Cell::text(&listed.queue), messages, time(listed.oldest), time(listed.newest)]);
    }
    console.table(&table)?;
    for listed in found.iter().filter(|listed| !listed.reasons.is_empty()) {
        console.line(format!("\nreasons in {}:", Console::clean(&listed.queue)))?;
        for Reason { reason, count } in listed.reasons.iter().take(PRINTED_REASONS) {
            let reason: String = reason.chars().take(PRINTED_REASON).collect();
            console.line(format!("{count:>8}  {}", Console::clean(reason)))?;
        }
        if let Some(more @ 1..) = listed.reasons.len().checked_sub(PRINTED_REASONS) {
            console.line(console.paint(DIM, format!("          and {more} more; --json prints all")))?;
        }
    }
    Ok(())
}
