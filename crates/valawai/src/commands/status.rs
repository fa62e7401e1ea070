//! `status`: the first thing to run when something is wrong.

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::arguments::Command;
use super::console::{BOLD, Cell, Console, GREEN, RED, Table, YELLOW};
use super::exit::{Exit, Stop};
use super::instances::{Instances, Receivers, Reply, Waiting};
use super::invocation::Invocation;
use super::target::Target;
use super::time::{format_time, parse_duration};
use crate::asyncapi::Direction;
use crate::broker::amqp::operator::Operator;
use crate::consumer::retry::dead_letter_queue;
use crate::mov::rest::RestClient;
use crate::service::protocol::{Content, Request};

/// Print the state of a component in one screen: broker, MOV, registration, processes, queues, dead letters, last errors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo status
  valawai --asyncapi asyncapi.yaml status --json

Each problem is marked with `!`, and has the command that shows more. Queues are inspected, never created. With MOV_URL, the MOV is
asked as well. Needs the permissions to read the queues and to write to the exchange valawai.service. The exit code is 1 if there is a
problem.")]
pub(super) struct Status {
    /// How long processes have to answer
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = parse_duration)]
    timeout: Duration,
}

/// What was found, and the JSON of `--json`.
#[derive(Debug, Serialize)]
struct Report {
    component: String,
    /// `None` if `MOV_URL` is not set.
    mov_is_up: Option<bool>,
    instances: Vec<ProcessReport>,
    queues: Vec<QueueReport>,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct ProcessReport {
    instance: String,
    version: String,
    registered_as: Option<String>,
    in_flight: usize,
    reconnects: u64,
    blocked: bool,
    paused: Vec<String>,
    errors: Vec<String>,
}

#[derive(Debug, Serialize)]
struct QueueReport {
    queue: String,
    kind: &'static str,
    /// `None` if it does not exist.
    messages: Option<u32>,
    consumers: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Problem {
    what: String,
    /// What shows more, or mends it.
    next: String,
}

impl Command for Status {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let target = invocation.target()?;
        let settings = invocation.settings()?;
        let operator = invocation.connect()?;
        let mut report = Report {
            component: target.name.clone(),
            mov_is_up: settings.mov_url.as_deref().map(|url| is_up(&RestClient::new(url))),
            instances: self.instances(invocation, &operator, target)?,
            queues: queues(&operator, target)?,
            problems: Vec::new(),
        };
        if invocation.is_interrupted() {
            return Ok(Exit::Interrupted);
        }
        report.problems = report.find_problems();
        if invocation.console.is_json() {
            invocation.console.object(&report)?;
        } else {
            report.print(&invocation.console)?;
        }
        Ok(if report.problems.is_empty() { Exit::Done } else { Exit::No })
    }
}

impl Status {
    fn instances(
        &self,
        invocation: &Invocation,
        operator: &Operator,
        target: &Target,
    ) -> Result<Vec<ProcessReport>, Stop> {
        let receivers = Receivers::new(Some(target.name.clone()), None)?;
        let waiting = Waiting { timeout: self.timeout, count: None };
        let channel = operator.open_for_requests()?;
        let mut asked = Instances::new(invocation, &channel)?;
        let infos = asked.answers(&Request::Info {}, &receivers, &waiting)?;
        if infos.is_empty() {
            return Ok(Vec::new());
        }
        // Now it is known how many answer.
        let waiting = Waiting { count: Some(infos.len()), ..waiting };
        let stats = asked.answers(&Request::Stats {}, &receivers, &waiting)?;
        Ok(infos.into_iter().map(|info| ProcessReport::of(info, &stats)).collect())
    }
}

impl ProcessReport {
    fn of(info: Reply, stats: &[Reply]) -> Self {
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
    fn find_problems(&self) -> Vec<Problem> {
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

    fn print(&self, console: &Console) -> Result<(), Stop> {
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

fn is_up(mov: &RestClient) -> bool {
    mov.is_live() == Some(true)
}

/// The channels of the component, and the queues of its dead letters, which exist only if there were some.
fn queues(operator: &Operator, target: &Target) -> Result<Vec<QueueReport>, Stop> {
    let mut reports = Vec::new();
    let mut add = |queue: &str, kind: &'static str| -> Result<(), Stop> {
        let state = operator.inspect(queue)?;
        if kind != "dead letters" || state.is_some() {
            let (messages, consumers) = (state.map(|it| it.messages), state.map(|it| it.consumers));
            reports.push(QueueReport { queue: queue.to_owned(), kind, messages, consumers });
        }
        Ok(())
    };
    for (name, direction) in &target.channels {
        match direction {
            Direction::Consume => {
                add(name.queue(), "input")?;
                add(&dead_letter_queue(name), "dead letters")?;
            }
            Direction::Publish => add(name.queue(), "output")?,
        }
    }
    Ok(reports)
}
