//! `call`: publishes a request, and prints the reply.

use std::time::{Duration, Instant};

use clap::Args;

use super::arguments::Command;
use super::console::Console;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::messages::{Body, Shown};
use super::publish::{Checks, check_channel, one_body};
use super::time::parse_duration;
use crate::broker::amqp::operator::{MessageProperties, Operator, Outcome, Publication, Received, Requests};
use crate::ids::Ids;

/// The header of a reply that tells whether the request succeeded.
const STATUS: &str = "status";

/// Publish a request to a channel, and print the reply
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo call data/received_message '{\"content\": \"hello\"}'
  valawai call valawai/c1/echo/data/received_message @request.json --timeout 1m --json

The message has reply_to and a correlation_id of its own. The component processes it like any other: it also publishes what it
always does. It is checked as by publish.

The exit code is 0 after a reply, 1 after one that says that the request failed (the header status is error) or if no queue has
the request, and 75 without a reply in time.

Permissions: configure '^$', write '^amq\\.default$', read '^$'.")]
pub(super) struct Call {
    /// A channel of the component, or any queue
    channel: String,
    /// The request: JSON, @FILE, or - for the standard input
    #[arg(value_name = "JSON|@FILE|-")]
    message: String,
    /// How long to wait for the reply
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    timeout: Duration,
    /// Publish also what the channel's schema does not allow, and what is not a JSON object
    #[arg(long)]
    no_check: bool,
}

impl Command for Call {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let queue = invocation.queue(&self.channel);
        check_channel(invocation, &queue, self.no_check)?;
        let item = one_body(invocation, &self.message, self.no_check)?;
        if !self.no_check {
            Checks::new(invocation).check("", &queue, &item)?;
        }
        if invocation.dry_run {
            invocation.console.note(format!("would send a request to {queue}"));
            return Ok(Exit::Done);
        }
        let id = Ids::new().next();
        let properties = MessageProperties::persistent(item.content_type).with_message_id(&id).with_correlation_id(&id);
        let operator = invocation.connect()?;
        let channel = operator.open_for_requests()?;
        let mut requests = Requests::new(&channel)?;
        let deadline = Instant::now() + self.timeout;
        let request = Publication { exchange: "", key: &queue, properties: &properties, body: &item.body };
        match requests.publish(request, &invocation.shutdown, self.timeout)? {
            Some(Outcome::Routed) => {}
            Some(Outcome::Unroutable) => return Err(Stop::no(format!("the queue {queue} does not exist"))),
            Some(Outcome::Nacked) => return Err(Stop::no("the broker rejected the request")),
            None => return self.without_reply(invocation, &operator, &queue),
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || invocation.is_interrupted() {
                return self.without_reply(invocation, &operator, &queue);
            }
            match requests.receive(&invocation.shutdown, left)? {
                Some(reply) if reply.properties.correlation_id() == Some(&id) => {
                    return print(&invocation.console, &queue, &reply);
                }
                // Nothing else knows where to reply to, except by guessing.
                Some(_) | None => {}
            }
        }
    }
}

impl Call {
    fn without_reply(&self, invocation: &Invocation, operator: &Operator, queue: &str) -> Result<Exit, Stop> {
        if invocation.is_interrupted() {
            invocation.console.note("stopped to wait for the reply; the request may still be processed");
            return Ok(Exit::Interrupted);
        }
        let consumers = operator.inspect(queue).ok().flatten().map(|state| state.consumers);
        let reason = match consumers {
            Some(0) => "nobody consumes the queue: the component does not run, or is paused",
            _ => "its consumers may not reply to requests, or be busy",
        };
        let seconds = self.timeout.as_secs_f64();
        Err(Stop::timed_out(format!(
            "no reply from {queue} within {seconds} s; {reason}; the request may still be processed"
        )))
    }
}

fn print(console: &Console, queue: &str, reply: &Received) -> Result<Exit, Stop> {
    let body = Body::decode(reply.properties.content_type(), &reply.body);
    if console.is_json() {
        console.object(&Shown::new(queue, reply))?;
    } else {
        console.line(Console::clean(body.to_text(&reply.body)))?;
    }
    if reply.properties.text_header(STATUS) != Some("error") {
        return Ok(Exit::Done);
    }
    let value = body.value().unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let parts: Vec<String> = ["reason", "message"].map(text).into_iter().filter(|part| !part.is_empty()).collect();
    let parts = if parts.is_empty() { "without a reason".to_owned() } else { parts.join(": ") };
    Err(Stop::no(format!("the request failed: {parts}")))
}
