//! `dead-letters show`: each dead letter with what is known about it.

use clap::Args;
use serde::Serialize;

use super::letter::Letter;
use super::queues;
use crate::broker::amqp::operator::{OperatorLink, Received};
use crate::commands::console::{Console, RED};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::messages::{self, FILTER_HELP, Filter, Shown, Waiting};
use crate::commands::time::format_time;

/// Print dead letters: original queue, attempts, error, time, body
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The channel of which they are; without it, of all
    channel: Option<String>,
    /// How many, at most
    #[arg(long, short = 'n', default_value_t = 10, value_name = "N")]
    count: u64,
    #[arg(long = "where", value_name = "CONDITION", help = FILTER_HELP)]
    filters: Vec<Filter>,
}

#[derive(Serialize)]
struct ShownLetter<'m> {
    #[serde(flatten)]
    letter: Letter,
    #[serde(flatten)]
    message: Shown<'m>,
}

impl Show {
    pub(super) fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let console = &invocation.console;
        let operator = invocation.connect()?;
        let (mut printed, mut total) = (0, 0);
        for queue in queues::dead_letter_queues(invocation, &operator, self.channel.as_deref())? {
            let waiting = u64::from(queue.state.messages);
            total += waiting;
            if waiting == 0 || printed >= self.count {
                continue;
            }
            let channels = operator.open()?;
            let mut link = OperatorLink::new(&channels)?;
            // Without a condition, no more are read than are printed.
            let limit = if self.filters.is_empty() { waiting.min(self.count - printed) } else { waiting };
            let mut messages = Waiting::consume(invocation, &operator, &mut link, &queue.name, limit)?;
            while printed < self.count
                && let Some(message) = messages.next(&mut link)?
            {
                if Filter::all(&self.filters, &message.properties, &message.body) {
                    printed += 1;
                    print(console, printed, &queue.name, &message)?;
                }
            }
        }
        if !console.is_json() {
            console.note(format!("{printed} of {total} dead letters"));
        }
        Ok(if invocation.is_interrupted() { Exit::Interrupted } else { Exit::Done })
    }
}

fn print(console: &Console, number: u64, queue: &str, message: &Received) -> std::io::Result<()> {
    let letter = Letter::read(&message.properties);
    if console.is_json() {
        return console.object(&ShownLetter { letter, message: Shown::new(queue, message) });
    }
    messages::print(console, number, queue, message)?;
    let known = [
        letter.error.map(|error| console.paint(RED, Console::clean(error))),
        letter.attempts.map(|attempts| format!("attempts {attempts}")),
        letter.failed_at.map(|time| format!("failed at {} UTC", format_time(time))),
        Some(match letter.original_queue {
            Some(queue) => format!("from {}", Console::clean(queue)),
            None => "from an unknown queue".to_owned(),
        }),
    ];
    console.line(format!("  {}", known.into_iter().flatten().collect::<Vec<_>>().join(", ")))
}
