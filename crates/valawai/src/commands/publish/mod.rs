//! `publish`: publishes messages, and tells whether a queue has them.

mod content;
mod paced;
mod window;

use std::time::{Duration, Instant};

use clap::Args;

use self::content::Content;
pub(super) use self::content::{Checks, check_channel, one_body};
use self::paced::Pace;
use self::window::Window;
use super::arguments::Command;
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::messages::Recorded;
use crate::broker::amqp::operator::{MessageProperties, OperatorLink, Publication};
use crate::ids::Ids;

/// Publish messages; the exit code is 0 only if a queue has them all
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo publish data/received_message '{\"content\": \"hello\"}'
  c1_echo publish data/received_message @messages.jsonl --rate 100
  tail -f messages.jsonl | valawai publish valawai/c1/echo/data/received_message -
  c1_echo publish --from recording.jsonl --speed 10
  valawai publish --exchange events --key a.b '{\"any\": \"JSON\"}'

A file and the standard input may have any number of JSON values. Each must be a JSON object, because any other message stops
the MOV's forwarding, and must match the channel's schema in asyncapi.yaml, without `pattern` and `format`; --no-check publishes
anything, and a file that is not JSON as one message. A recording has the lines that inspect --json and monitor --save write.

Messages are persistent, have the header fields that are given, and an identifier. They are published with confirms, and are
mandatory: the exit code is 1 if no queue has a message, if the broker rejects it, or if it does not match the schema.

Permissions: configure '^$', write '^amq\\.default$', read '^$'. With --exchange: write to that.")]
pub(super) struct Publish {
    /// A channel of the component, or any queue; not with --exchange
    channel: Option<String>,
    /// The message: JSON, @FILE, or - for the standard input
    #[arg(value_name = "JSON|@FILE|-")]
    message: Option<String>,
    /// Publish to this exchange, with --key, instead of to a queue
    #[arg(long, value_name = "NAME", requires = "key")]
    exchange: Option<String>,
    /// The routing key
    #[arg(long, value_name = "KEY", requires = "exchange")]
    key: Option<String>,
    /// Publish the messages of a recording, to their queues unless CHANNEL is given
    #[arg(long, value_name = "RECORDING", conflicts_with_all = ["message", "count", "rate", "headers", "message_id", "cbor"])]
    from: Option<std::path::PathBuf>,
    /// How much faster than recorded; 0 is without pauses
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = paced::parse_speed, requires = "from")]
    speed: f64,
    /// How often to publish each message
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1)]
    count: u64,
    /// Messages in a second, at most
    #[arg(long, value_name = "N", value_parser = paced::parse_rate)]
    rate: Option<f64>,
    /// Add a header
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = parse_header)]
    headers: Vec<(String, String)>,
    /// The identifier of the message; otherwise each gets one of its own
    #[arg(long, value_name = "ID")]
    message_id: Option<String>,
    /// Encode the messages in CBOR, as files that end with .cbor are
    #[arg(long)]
    cbor: bool,
    /// Publish also what the channel's schema does not allow, and what is not a JSON object
    #[arg(long)]
    no_check: bool,
}

/// One message to publish.
struct Message {
    exchange: String,
    key: String,
    properties: MessageProperties,
    body: Vec<u8>,
}

impl Command for Publish {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let to = self.destination(invocation)?;
        let checks = (!self.no_check).then(|| Checks::new(invocation));
        if invocation.dry_run {
            return self.publish_all(invocation, to.as_ref(), checks.as_ref(), None);
        }
        let operator = invocation.connect()?;
        let channels = operator.open()?;
        let mut link = OperatorLink::new(&channels)?;
        self.publish_all(invocation, to.as_ref(), checks.as_ref(), Some(&mut link))
    }
}

impl Publish {
    /// The exchange and the routing key; `None` if each message of a recording has its own.
    fn destination(&self, invocation: &Invocation) -> Result<Option<(String, String)>, Stop> {
        if let (Some(exchange), Some(key)) = (&self.exchange, &self.key) {
            return match (&self.channel, &self.message) {
                (Some(_), Some(_)) => Err(Stop::usage("with --exchange and --key there is no CHANNEL")),
                _ => Ok(Some((exchange.clone(), key.clone()))),
            };
        }
        match &self.channel {
            Some(channel) => {
                let queue = invocation.queue(channel);
                content::check_channel(invocation, &queue, self.no_check)?;
                Ok(Some((String::new(), queue)))
            }
            None if self.from.is_some() => Ok(None),
            None => Err(Stop::usage("which channel? As in `publish data/received_message '{\"content\": \"hello\"}'`")),
        }
    }

    fn publish_all(
        &self,
        invocation: &Invocation,
        to: Option<&(String, String)>,
        checks: Option<&Checks>,
        link: Option<&mut OperatorLink<'_>>,
    ) -> Result<Exit, Stop> {
        let mut window = Window::new(invocation, link);
        let result = match &self.from {
            Some(path) => self.publish_recording(invocation, path, to, checks, &mut window),
            None => self.publish_messages(invocation, to.expect("without --from there is one"), checks, &mut window),
        };
        // What was published before counts, whatever comes then.
        let settled = window.finish();
        if invocation.console.is_json() {
            invocation.console.object(&window.counts())?;
        } else {
            invocation.console.note(window.summary());
        }
        result?;
        settled?;
        Ok(if invocation.is_interrupted() { Exit::Interrupted } else { Exit::Done })
    }

    fn publish_messages(
        &self,
        invocation: &Invocation,
        (exchange, key): &(String, String),
        checks: Option<&Checks>,
        window: &mut Window<'_, '_>,
    ) -> Result<(), Stop> {
        let text = if self.exchange.is_some() {
            self.message.as_ref().or(self.channel.as_ref())
        } else {
            self.message.as_ref()
        };
        let content = Content::open(text.map_or("-", String::as_str), self.cbor, self.no_check)?;
        let (ids, mut pace) = (Ids::new(), Pace::new(self.rate));
        while let Some(item) = content.next(invocation)? {
            if let Some(checks) = checks {
                checks.check(exchange, key, &item)?;
            }
            for _ in 0..self.count {
                let id = self.message_id.clone().unwrap_or_else(|| ids.next());
                let properties = MessageProperties::persistent(item.content_type).with_message_id(&id);
                let add = |properties: MessageProperties, (name, value): &(String, String)| {
                    properties.with_header(name, value)
                };
                let properties = self.headers.iter().fold(properties, add);
                let (exchange, key, body) = (exchange.clone(), key.clone(), item.body.clone());
                if !pace.wait(window)? || !window.publish(&Message { exchange, key, properties, body })? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn publish_recording(
        &self,
        invocation: &Invocation,
        path: &std::path::Path,
        to: Option<&(String, String)>,
        checks: Option<&Checks>,
        window: &mut Window<'_, '_>,
    ) -> Result<(), Stop> {
        let mut first: Option<(u64, Instant)> = None;
        for (number, line) in content::lines_of(path)?.enumerate() {
            let line = line.map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))?;
            if line.trim().is_empty() {
                continue;
            }
            let wrong =
                |reason| Stop::usage(format!("{}:{}: not a recorded message: {reason}", path.display(), number + 1));
            let recorded = Recorded::parse(&line).map_err(wrong)?;
            let body = recorded.body().map_err(wrong)?;
            let (exchange, key) = to.cloned().unwrap_or_else(|| (String::new(), recorded.queue.clone()));
            if let Some(checks) = checks {
                content::check_channel(invocation, &key, false)?;
                checks
                    .check_body(&exchange, &key, &body)
                    .map_err(|stop| stop.at(&format!("{}:{}", path.display(), number + 1)))?;
            }
            if let Some(at_ms) = recorded.at_ms
                && self.speed > 0.0
            {
                let (first_ms, start) = *first.get_or_insert((at_ms, Instant::now()));
                let after = Duration::from_millis(at_ms.saturating_sub(first_ms)).div_f64(self.speed);
                if !window.wait_until(start + after)? {
                    return Ok(());
                }
            }
            if !window.publish(&Message { exchange, key, properties: recorded.properties(), body })? {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Message {
    fn publication(&self) -> Publication<'_> {
        Publication { exchange: &self.exchange, key: &self.key, properties: &self.properties, body: &self.body }
    }
}

fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
