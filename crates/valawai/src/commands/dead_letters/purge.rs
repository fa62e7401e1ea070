//! `dead-letters purge`: deletes dead letters, and exports them before.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::letter::Letter;
use super::queues::{self, DeadLetterQueue};
use crate::broker::amqp::operator::{Operator, OperatorLink, Received};
use crate::clock;
use crate::commands::console::Console;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::messages::{FILTER_HELP, Filter, Shown, Waiting};
use crate::commands::time::parse_duration;

/// Delete dead letters, with --export after they are written to a file
#[derive(Debug, Args)]
#[command(after_help = "\
Only what is there at the start is deleted. An export has one JSON object a line, as `show --json` prints it; nothing is deleted
before all of it is on the disk.

Permissions: configure '^$', write '^$', read '^valawai/.*/dead_letter/'.")]
pub(super) struct Purge {
    /// The channel of which they are; without it, of all
    channel: Option<String>,
    #[arg(long = "where", value_name = "CONDITION", help = FILTER_HELP)]
    filters: Vec<Filter>,
    /// Only those whose last attempt failed that long ago, as in 7d; those without a time are kept
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    older_than: Option<Duration>,
    /// Write them to this new file first
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

impl Purge {
    pub(super) fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let console = &invocation.console;
        let operator = invocation.connect()?;
        let mut found = queues::dead_letter_queues(invocation, &operator, self.channel.as_deref())?;
        found.retain(|queue| queue.state.messages > 0);
        if found.is_empty() {
            console.note("there are no dead letters");
            return Ok(Exit::Done);
        }
        if !invocation.dry_run {
            console.confirm(&self.question(&found), &invocation.shutdown)?;
        }
        let mut export = match &self.export {
            Some(path) if !invocation.dry_run => Some(Export::create(path)?),
            _ => None,
        };
        for queue in &found {
            self.purge(invocation, &operator, queue, export.as_mut())?;
            if invocation.is_interrupted() {
                return Ok(Exit::Interrupted);
            }
        }
        Ok(Exit::Done)
    }

    fn question(&self, found: &[DeadLetterQueue]) -> String {
        let total: u32 = found.iter().map(|queue| queue.state.messages).sum();
        let is_limited = !self.filters.is_empty() || self.older_than.is_some();
        let which = if is_limited { "the matching ones of " } else { "" };
        let names: Vec<&str> = found.iter().map(|queue| &*queue.name).collect();
        let question = format!("This deletes {which}{total} dead letters of {}.", names.join(", "));
        Console::clean(match &self.export {
            Some(path) => format!("{question} They are written to {} before.", path.display()),
            None => format!("{question} They are not exported."),
        })
    }

    /// Reads the messages that wait, and acknowledges those that match when all of them are exported.
    fn purge(
        &self,
        invocation: &Invocation,
        operator: &Operator,
        queue: &DeadLetterQueue,
        mut export: Option<&mut Export>,
    ) -> Result<(), Stop> {
        let total = u64::from(queue.state.messages);
        let channels = operator.open()?;
        let mut link = OperatorLink::new(&channels)?;
        let mut waiting = Waiting::consume(invocation, operator, &mut link, &queue.name, total)?;
        let mut progress = invocation.console.progress(total);
        let mut matching = Vec::new();
        let mut kept = 0_u64;
        while let Some(message) = waiting.next(&mut link)? {
            if self.matches(&message) {
                if let Some(export) = &mut export {
                    export.write(&queue.name, &message)?;
                }
                matching.push(message.tag);
            } else {
                kept += 1;
            }
            progress.step();
        }
        if let Some(export) = export {
            export.sync()?;
        }
        drop(progress);
        if invocation.is_interrupted() {
            invocation.console.note("nothing was deleted");
            return Ok(());
        }
        if !invocation.dry_run {
            delete(&mut link, &matching, kept == 0)?;
        }
        print(invocation, &queue.name, matching.len(), kept).map_err(Stop::from)
    }

    fn matches(&self, message: &Received) -> bool {
        let is_old = self.older_than.is_none_or(|age| {
            Letter::read(&message.properties)
                .failed_at
                .is_some_and(|time| time.saturating_add(age.as_secs()) <= clock::seconds())
        });
        is_old && Filter::all(&self.filters, &message.properties, &message.body)
    }
}

/// Prints how many were deleted, or would be.
fn print(invocation: &Invocation, queue: &str, deleted: usize, kept: u64) -> io::Result<()> {
    let console = &invocation.console;
    let (name, done) = if invocation.dry_run { ("would_delete", "would delete") } else { ("deleted", "deleted") };
    if console.is_json() {
        return console.object(&json!({"queue": queue, name: deleted, "kept": kept}));
    }
    console.line(Console::clean(format!("{done} {deleted} dead letters of {queue}, kept {kept}")))
}

fn delete(link: &mut OperatorLink<'_>, tags: &[u64], all: bool) -> Result<(), Stop> {
    match tags.last() {
        Some(last) if all => link.acknowledge_up_to(*last)?,
        _ => tags.iter().try_for_each(|tag| link.acknowledge(*tag))?,
    }
    Ok(link.stop()?)
}

/// A new file with one message a line.
struct Export {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Export {
    fn create(path: &Path) -> Result<Self, Stop> {
        let file = File::create_new(path)
            .map_err(|error| Stop::usage(format!("cannot create {}: {error}; nothing was done", path.display())))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    fn write(&mut self, queue: &str, message: &Received) -> Result<(), Stop> {
        let line = serde_json::to_string(&Shown::new(queue, message)).map_err(io::Error::other);
        line.and_then(|line| writeln!(self.file, "{line}")).map_err(|error| self.failed(&error))
    }

    fn sync(&mut self) -> Result<(), Stop> {
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &io::Error) -> Stop {
        Stop::no(format!("cannot write {}: {error}; nothing was deleted", self.path.display()))
    }
}
