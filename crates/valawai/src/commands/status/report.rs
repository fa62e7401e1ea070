//! What `status` found, and what of it is a problem.

use serde::Serialize;

use crate::commands::console::{BOLD, Cell, Console, GREEN, RED, Table, YELLOW};
use crate::commands::exit::Stop;
use crate::commands::instances::Reply;
use crate::commands::time::format_time;
use crate::service::protocol::Content;

/// What was found, and the JSON of `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) component: String,
    /// `None` if `MOV_URL` is not set.
    pub(super) mov_is_up: Option<bool>,
    pub(super) instances: Vec<ProcessReport>,
    pub(super) queues: Vec<QueueReport>,
    pub(super) problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProcessReport {
    pub(super) instance: String,
    pub(super) version: String,
    pub(super) registered_as: Option<String>,
    pub(super) in_flight: usize,
    pub(super) reconnects: u64,
    pub(super) blocked: bool,
    pub(super) paused: Vec<String>,
    pub(super) errors: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct QueueReport {
    pub(super) queue: String,
    pub(super) kind: &'static str,
    /// `None` if it does not exist.
    pub(super) messages: Option<u32>,
    pub(super) consumers: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct Problem {
    pub(super) what: String,
    /// What shows more, or mends it.
    pub(super) next: String,
}

impl ProcessReport {
    pub(super) fn of(info: Reply, stats: &[Reply]) -> Self {
        let answer = info.answer;
        let mut instance = Self {
            registered_as: match answer.content {
                Content::Info(info) => info.mov_id,
                _ => None,
            },
            instance: answer.instance,
            version: answer.version,
            in_flight: 0,
            reconnects: 0,
            blocked: false,
            paused: Vec::new(),
            errors: Vec::new(),
        };
        let own = stats.iter().find(|reply| reply.answer.instance == instance.instance);
        if let Some(Content::Stats(stats)) = own.map(|reply| &reply.answer.content) {
            instance.in_flight = stats.in_flight;
            instance.reconnects = stats.reconnects;
            instance.blocked = stats.blocked;
            for channel in &stats.channels {
                if channel.paused {
                    instance.paused.push(channel.channel.clone());
                }
                if let Some(error) = &channel.last_error {
                    let text = format!("{} {} UTC: {}", channel.channel, format_time(error.at), error.reason);
                    instance.errors.push(text);
                }
            }
        }
        instance
    }
}

impl Report {
    pub(super) fn find_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |what: String, next: &str| problems.push(Problem { what, next: next.to_owned() });
        if self.mov_is_up == Some(false) {
            add("the MOV does not work".to_owned(), "restart the MOV");
        }
        if self.instances.is_empty() {
            add("no process answers".to_owned(), "start the component; if it runs, see its log");
        } else if self.instances.iter().all(|it| it.registered_as.is_none()) {
            add("it is not registered".to_owned(), "is the MOV running? `mov logs` shows what it refused");
        }
        for ProcessReport { instance, blocked, paused, .. } in &self.instances {
            if *blocked {
                add(format!("{instance}: the broker accepts no messages"), "free memory or disk space of the broker");
            }
            for channel in paused {
                add(format!("{instance}: {channel} is paused"), "control resume");
            }
        }
        for QueueReport { queue, kind, messages, consumers } in &self.queues {
            match (*kind, messages, consumers) {
                ("dead letters", Some(count @ 1..), _) => {
                    add(format!("{count} dead letters in {queue}"), "dead-letters show");
                }
                ("input", Some(count @ 1..), Some(0)) => {
                    add(format!("{count} messages wait in {queue}, which nobody consumes"), "ping, or control resume");
                }
                ("input", None, _) => add(format!("{queue} does not exist"), "start the component, which declares it"),
                ("output", None, _) => {
                    add(format!("{queue} does not exist: what is published is dropped"), "mov connections");
                }
                _ => {}
            }
        }
        problems
    }

    pub(super) fn print(&self, console: &Console) -> Result<(), Stop> {
        console.line(console.paint(BOLD, &self.component))?;
        let mov = match self.mov_is_up {
            Some(true) => console.paint(GREEN, "up"),
            Some(false) => console.paint(RED, "down"),
            None => "not asked, because MOV_URL is not set".to_owned(),
        };
        console.line(format!("broker {}, MOV {mov}\n", console.paint(GREEN, "reached")))?;
        if !self.instances.is_empty() {
            let mut table = Table::new(["instance", "version", "registered as", "in flight", "reconnects"]);
            for it in &self.instances {
                table.row([
                    Cell::text(&it.instance),
                    Cell::text(&it.version),
                    Cell::text(it.registered_as.as_deref().unwrap_or("-")),
                    Cell::number(it.in_flight),
                    Cell::number(it.reconnects),
                ]);
            }
            console.table(&table)?;
            console.line("")?;
        }
        let mut table = Table::new(["queue", "", "messages", "consumers"]);
        for it in &self.queues {
            let count = |count: Option<u32>| Cell::number(count.map_or("-".to_owned(), |count| count.to_string()));
            table.row([Cell::text(&it.queue), Cell::text(it.kind), count(it.messages), count(it.consumers)]);
        }
        console.table(&table)?;
        for error in self.instances.iter().flat_map(|it| &it.errors) {
            console.line(console.paint(YELLOW, Console::clean(format!("last error on {error}"))))?;
        }
        console.line("")?;
        for Problem { what, next } in &self.problems {
            let what = console.paint(RED, format!("! {}", Console::clean(what)));
            console.line(format!("{what}  → {next}"))?;
        }
        if self.problems.is_empty() {
            console.line(console.paint(GREEN, "no problem was found"))?;
        }
        Ok(())
    }
}
