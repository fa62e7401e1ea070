//! `clear`: deletes the component's own queues.

use clap::{Args, ValueEnum};
use serde_json::json;

use super::arguments::Command;
use super::console::{Console, GREEN, RED, YELLOW};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::own_queues::{OwnQueueName, delete, deletion_word, own_queues};

/// Delete the retry and dead-letter queues of the component
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo clear --dry-run
  valawai clear --asyncapi asyncapi.yaml --queues dead-letter --force --yes

Only the queues that the component declares for itself are deleted, never its channels, nor those of other components. A queue
with messages stays, unless --force is given: its messages are lost. To keep them, see dead-letters. The component declares a
queue again when it needs it. The retry queues are those with the delays of RETRY_TTL, RETRY_BACKOFF, RETRY_MAX_TTL and
MAX_RETRIES; others expire by themselves.

Permissions: configure '^valawai/.*/(dead_letter|retry)/', write '^$', read '^$'.
The exit code is 1 if a queue has messages and stays.")]
pub(super) struct Clear {
    /// Which queues
    #[arg(long, value_enum, value_delimiter = ',', default_value = "all", value_name = "KINDS")]
    queues: Vec<Kind>,
    /// Also those with messages, which are lost
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Retry,
    DeadLetter,
    /// Both
    All,
}

impl Command for Clear {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let console = &invocation.console;
        let queues = own_queues(invocation)?;
        let operator = invocation.connect()?;
        let mut found = Vec::new();
        for queue in queues.iter().filter(|queue| self.includes(queue)) {
            if let Some(state) = operator.inspect(queue.name())? {
                found.push((queue.name(), state.messages));
            }
        }
        let (deletable, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(_, messages)| *messages == 0 || self.force);
        for (queue, messages) in &others {
            print(console, queue, RED, "stays", *messages)?;
        }
        if !others.is_empty() {
            console.note("queues with messages stay; --force deletes them with their messages");
        }
        let stays = if others.is_empty() { Exit::Done } else { Exit::No };
        if deletable.is_empty() {
            console.note(if others.is_empty() { "there are no such queues" } else { "nothing was deleted" });
            return Ok(stays);
        }
        if invocation.dry_run {
            for (queue, messages) in deletable {
                print(console, queue, YELLOW, "would be deleted", messages)?;
            }
            return Ok(stays);
        }
        let messages: u64 = deletable.iter().map(|(_, messages)| u64::from(*messages)).sum();
        let names: Vec<&str> = deletable.iter().map(|(queue, _)| *queue).collect();
        let question = format!(
            "Deletes {} {} with {messages} messages:\n  {}\n",
            names.len(),
            if names.len() == 1 { "queue" } else { "queues" },
            names.join("\n  ")
        );
        console.confirm(&question, &invocation.shutdown)?;
        let mut exit = stays;
        for queue in names {
            if invocation.is_interrupted() {
                console.note(format!("stopped before {queue}"));
                return Ok(Exit::Interrupted);
            }
            if let Some(messages) = delete(invocation, queue, self.force)? {
                print(console, queue, GREEN, &deletion_word(messages), messages)?;
            } else {
                console.note(format!("{queue} got messages meanwhile, and stays"));
                exit = Exit::No;
            }
        }
        Ok(exit)
    }
}

impl Clear {
    fn includes(&self, queue: &OwnQueueName) -> bool {
        let kind = match queue {
            OwnQueueName::Retry(_) => Kind::Retry,
            OwnQueueName::DeadLetters { .. } => Kind::DeadLetter,
        };
        self.queues.iter().any(|each| *each == kind || *each == Kind::All)
    }
}

fn print(console: &Console, queue: &str, style: anstyle::Style, result: &str, messages: u32) -> Result<(), Stop> {
    if console.is_json() {
        return Ok(console.object(&json!({"queue": queue, "result": result, "messages": messages}))?);
    }
    let count = if messages == 1 { "1 message".to_owned() } else { format!("{messages} messages") };
    Ok(console.line(format!("{}  {}  {count}", Console::clean(queue), console.paint(style, result)))?)
}
