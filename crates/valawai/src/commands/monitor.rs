//! `monitor`: shows what comes in and goes out of running processes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::arguments::Command;
use super::console::{Console, DIM, GREEN, YELLOW};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use super::messages::{FILTER_HELP, Filter, cut};
use super::tap::{Observation, Observed, Summary, Wanted};
use super::time::format_time;
use super::trace;
use crate::broker::amqp::operator::{MessageProperties, Received};
use crate::hex;
use crate::service::protocol::Copied;

/// Show the messages that come in and go out of running processes, without taking or delaying any
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo monitor
  valawai monitor c0_one c1_two --channel data/ --where content~=hello
  c1_echo monitor --save recording.jsonl --for 1m
  c1_echo monitor --json --idle 5s | jq .body
  c1_echo publish data/received_message --from recording.jsonl
  valawai monitor --trace --channel data/

The processes send copies for as long as they are asked to, every few seconds: none when this command has ended, however it ended.
Copies are limited to 2,000 messages and 16 MB a second for each process; what exceeds that is dropped, counted and reported.
Permissions: configure '^$', write '^valawai\\.service$', read '^$'.
The exit code is 1 if nobody answers.

--trace is for programs that are not built with this library. It shows what is published while the firehose is on:
`rabbitmqctl trace_on -p VHOST`, and afterwards `trace_off`, because it slows the broker down.
Permissions: configure '^amq\\.gen', write '^amq\\.gen', read '^amq\\.(gen|rabbitmq\\.trace$)'.")]
pub(super) struct Monitor {
    #[command(flatten)]
    observation: Observation,
    /// Only queues whose names contain one of these texts
    #[arg(long = "channel", value_name = "TEXT")]
    channels: Vec<String>,
    #[arg(long = "where", value_name = "CONDITION", help = FILTER_HELP)]
    filters: Vec<Filter>,
    /// Also write them to this file, one JSON object a line, which `publish --from` replays
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show the messages of all programs on the virtual host, from RabbitMQ's firehose, which must be on
    #[arg(long, conflicts_with_all = ["components", "save"])]
    trace: bool,
}

impl Command for Monitor {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        if self.trace {
            let end = self.observation.end();
            return trace::show(invocation, |queue, message| self.is_traced(queue, message), end);
        }
        let console = &invocation.console;
        let mut recording = self.save.as_deref().map(Recording::create).transpose()?;
        let wanted = Wanted { messages: true, logs: false };
        let Summary { shown, dropped } = self.observation.run(invocation, wanted, |observed| {
            if !self.is_wanted(observed) {
                return Ok(false);
            }
            print(console, observed)?;
            recording.as_mut().map_or(Ok(()), |recording| recording.add(observed))?;
            Ok(true)
        })?;
        if let Some(recording) = recording {
            recording.finish()?;
        }
        console.note(format!("{shown} messages, {dropped} copies dropped"));
        // Ctrl-C is how it ends.
        Ok(Exit::Done)
    }
}

impl Monitor {
    fn is_traced(&self, queue: &str, message: &Received) -> bool {
        self.is_in_channel(queue) && Filter::all(&self.filters, &message.properties, &message.body)
    }

    fn is_wanted(&self, Observed { copy, .. }: &Observed) -> bool {
        let without_id = MessageProperties::default();
        let properties = match &copy.message_id {
            Some(id) => without_id.with_message_id(id),
            None => without_id,
        };
        self.is_in_channel(&copy.source)
            && (self.filters.is_empty() || Filter::all(&self.filters, &properties, &body(copy)))
    }

    fn is_in_channel(&self, queue: &str) -> bool {
        self.channels.is_empty() || self.channels.iter().any(|text| queue.contains(text))
    }
}

fn print(console: &Console, Observed { component, instance, copy, json }: &Observed) -> Result<(), Stop> {
    if console.is_json() {
        return console.object(json).map_err(Stop::from);
    }
    let (sign, style) = if copy.what == "received" { ("→", GREEN) } else { ("←", YELLOW) };
    let time = format!("{}.{:03}", format_time(copy.at_ms / 1000), copy.at_ms % 1000);
    let body = cut(copy.body.as_ref().or(copy.hex.as_ref()).cloned().unwrap_or_default());
    let id = copy.message_id.as_deref().map(|id| format!("  {id}")).unwrap_or_default();
    let who = console.paint(DIM, format!("{time} {}", Console::clean(format!("{component} {instance}"))));
    let source = console.paint(style, format!("{sign} {}", Console::clean(&copy.source)));
    console.line(format!("{who} {source}{}  {}", Console::clean(id), Console::clean(body))).map_err(Stop::from)
}

/// The body of a copy, which was sent as text or in hexadecimal digits.
fn body(copy: &Copied) -> Vec<u8> {
    match (&copy.body, &copy.hex) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(digits)) => hex::decode(digits).unwrap_or_default(),
        (None, None) => Vec::new(),
    }
}

/// The file of a recording. Its lines are like those of `inspect --json`, with the time.
struct Recording {
    file: BufWriter<File>,
}

impl Recording {
    fn create(path: &Path) -> Result<Self, Stop> {
        let file =
            File::create(path).map_err(|error| Stop::usage(format!("cannot write {}: {error}", path.display())))?;
        Ok(Self { file: BufWriter::new(file) })
    }

    fn add(&mut self, Observed { copy, .. }: &Observed) -> Result<(), Stop> {
        let parsed = copy.body.as_deref().map(serde_json::from_str::<Value>);
        let (format, body) = match (parsed, &copy.body) {
            (Some(Ok(json)), _) => ("json", json),
            (Some(Err(_)), Some(text)) => ("text", json!(text)),
            _ => ("bytes", Value::Null),
        };
        let mut properties = json!({ "content_type": "application/json", "delivery_mode": 2 });
        if let Some(id) = &copy.message_id {
            properties["message_id"] = json!(id);
        }
        let line = json!({
            "at_ms": copy.at_ms, "what": copy.what, "queue": copy.source, "exchange": "", "key": copy.source,
            "properties": properties, "headers": {}, "format": format, "body": body, "hex": copy.hex,
        });
        writeln!(self.file, "{line}").map_err(|error| Stop::no(format!("cannot write the recording: {error}")))
    }

    fn finish(mut self) -> Result<(), Stop> {
        self.file.flush().map_err(|error| Stop::no(format!("cannot write the recording: {error}")))
    }
}
