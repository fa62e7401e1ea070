//! `status`: the first thing to run when something is wrong.

mod report;

use std::time::Duration;

use clap::Args;

use self::report::{ProcessReport, QueueReport, Report};
use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::instances::{Instances, Receivers, Waiting};
use super::invocation::Invocation;
use super::target::Target;
use super::time::parse_duration;
use crate::asyncapi::{Direction, REGISTERED};
use crate::broker::amqp::operator::Operator;
use crate::consumer::retry::dead_letter_queue;
use crate::mov::rest::RestClient;
use crate::service::protocol::Request;

/// Print the state of a component in one screen: broker, MOV, registration, processes, queues, dead letters, last errors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo status
  valawai --asyncapi asyncapi.yaml status --json

Each problem is marked with `!`, and has the command that shows more. Queues are inspected, never created. With MOV_URL, the MOV is
asked as well.

Permissions: configure '^$', write '^valawai(\\.service$|/)', read '^$'.
The exit code is 1 if there is a problem.")]
pub(super) struct Status {
    /// How long processes have to answer
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = parse_duration)]
    timeout: Duration,
}

impl Command for Status {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let target = invocation.target()?;
        let settings = invocation.settings()?;
        let operator = invocation.connect()?;
        let mut report = Report {
            component: target.name.clone(),
            mov_is_up: settings.mov_url.as_ref().map(|url| is_up(&RestClient::new(url))),
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
                if name.short() != REGISTERED {
                    add(&dead_letter_queue(name), "dead letters")?;
                }
            }
            Direction::Publish => add(name.queue(), "output")?,
        }
    }
    Ok(reports)
}
