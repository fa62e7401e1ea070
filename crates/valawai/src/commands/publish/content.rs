//! The messages that a person gives: as an argument, in a file, or on the standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, Sender, select};
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::asyncapi::MessageSchemas;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::commands::messages::{CBOR, to_cbor};
use crate::payload::{self, Shape};

const JSON: &str = "application/json";

/// A message to publish.
pub(in crate::commands) struct Item {
    pub(in crate::commands) content_type: &'static str,
    pub(in crate::commands) body: Vec<u8>,
    /// The JSON that was given, if it was converted.
    json: Option<Vec<u8>>,
    /// Where it is, for errors: ` 3 of FILE`.
    place: String,
}

/// The messages, read by a thread of its own: a signal does not end a read.
pub(in crate::commands) struct Content(Receiver<Result<Item, Stop>>);

impl Content {
    /// `text` is JSON, `@FILE` or `-`.
    pub(in crate::commands) fn open(text: &str, cbor: bool, no_check: bool) -> Result<Self, Stop> {
        let (sender, receiver) = crossbeam_channel::bounded(64);
        let (name, input): (String, Box<dyn Read + Send>) = match text.strip_prefix('@') {
            Some(path) => (path.to_owned(), Box::new(open(Path::new(path))?)),
            None if text == "-" => ("the standard input".to_owned(), Box::new(io::stdin())),
            None => (String::new(), Box::new(io::Cursor::new(text.to_owned().into_bytes()))),
        };
        if name.is_empty() && !no_check {
            // Nothing is published of an argument with a mistake.
            let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
            values.find_map(Result::err).map_or(Ok(()), |error| Err(not_json("", &error)))?;
        }
        let reading = Reading { name, sender, cbor };
        thread::spawn(move || {
            // It fails if nobody receives any more.
            let _ = if Path::new(&reading.name).extension().is_some_and(|extension| extension == "cbor") {
                reading.send_whole(input, CBOR)
            } else if no_check {
                reading.send_anything(input)
            } else {
                reading.send_values(BufReader::new(input))
            };
        });
        Ok(Self(receiver))
    }

    /// The next message; `None` at the end, or after Ctrl-C.
    pub(in crate::commands) fn next(&self, invocation: &Invocation) -> Result<Option<Item>, Stop> {
        select! {
            recv(self.0) -> item => item.map_or(Ok(None), |item| item.map(Some)),
            recv(invocation.shutdown.requested()) -> _ => Ok(None),
        }
    }
}

struct Reading {
    name: String,
    sender: Sender<Result<Item, Stop>>,
    cbor: bool,
}

type Sent = Result<(), crossbeam_channel::SendError<Result<Item, Stop>>>;

impl Reading {
    /// The JSON values of a stream, each as soon as it is complete.
    fn send_values(&self, input: impl Read) -> Sent {
        let mut count = 0;
        for value in serde_json::Deserializer::from_reader(input).into_iter::<Box<RawValue>>() {
            count += 1;
            let place = if self.name.is_empty() { String::new() } else { format!(" {count} of {}", self.name) };
            match value {
                Ok(value) => self.send_json(value.get().as_bytes(), place)?,
                Err(error) if error.is_io() => {
                    return self.sender.send(Err(Stop::usage(format!("cannot read {}: {error}", self.name))));
                }
                Err(error) => return self.sender.send(Err(not_json(&place, &error))),
            }
        }
        if count == 0 {
            let name = if self.name.is_empty() { "the message" } else { &self.name };
            return self.sender.send(Err(Stop::usage(format!("{name} is empty"))));
        }
        Ok(())
    }

    fn send_json(&self, json: &[u8], place: String) -> Sent {
        let as_cbor = || serde_json::from_slice::<Value>(json).ok().map(|value| to_cbor(&value));
        let item = match self.cbor.then(as_cbor).flatten() {
            Some(body) => Item { content_type: CBOR, body, json: Some(json.to_vec()), place },
            None => Item { content_type: JSON, body: json.to_vec(), json: None, place },
        };
        self.sender.send(Ok(item))
    }

    /// JSON values, or else all of it as one message.
    fn send_anything(&self, mut input: impl Read) -> Sent {
        let mut body = Vec::new();
        if let Err(error) = input.read_to_end(&mut body) {
            return self.sender.send(Err(Stop::usage(format!("cannot read {}: {error}", self.name))));
        }
        let values = serde_json::Deserializer::from_slice(&body).into_iter::<Box<RawValue>>();
        let values: Result<Vec<Box<RawValue>>, _> = values.collect();
        match values {
            Ok(values) if !values.is_empty() => {
                values.iter().try_for_each(|value| self.send_json(value.get().as_bytes(), String::new()))
            }
            _ => {
                let content_type =
                    if str::from_utf8(&body).is_ok() { "text/plain" } else { "application/octet-stream" };
                self.sender.send(Ok(Item { content_type, body, json: None, place: String::new() }))
            }
        }
    }

    fn send_whole(&self, mut input: impl Read, content_type: &'static str) -> Sent {
        let mut body = Vec::new();
        let read = input.read_to_end(&mut body);
        self.sender.send(match read {
            Ok(_) => Ok(Item { content_type, body, json: None, place: format!(" in {}", self.name) }),
            Err(error) => Err(Stop::usage(format!("cannot read {}: {error}", self.name))),
        })
    }
}

/// The only message of `text`.
pub(in crate::commands) fn one_body(invocation: &Invocation, text: &str, no_check: bool) -> Result<Item, Stop> {
    let content = Content::open(text, false, no_check)?;
    let Some(item) = content.next(invocation)? else {
        return Err(Stop::new(Exit::Interrupted, "nothing was published"));
    };
    match content.next(invocation)? {
        None => Ok(item),
        Some(_) => Err(Stop::usage("there is more than one message")),
    }
}

/// The lines of a recording.
pub(super) fn lines_of(path: &Path) -> Result<impl Iterator<Item = io::Result<String>>, Stop> {
    Ok(BufReader::new(open(path)?).lines())
}

fn open(path: &Path) -> Result<File, Stop> {
    File::open(path).map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
}

/// Fails if the component is known not to have the channel with this queue.
pub(in crate::commands) fn check_channel(invocation: &Invocation, queue: &str, no_check: bool) -> Result<(), Stop> {
    let Some(target) = invocation.known_target() else { return Ok(()) };
    let is_own = target.channels.iter().any(|(name, _)| **name.queue() == *queue);
    let looks_own = ["data/", "control/"].iter().any(|kind| queue.starts_with(&target.queue(kind)));
    if no_check || is_own || !looks_own || target.channels.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = target.channels.iter().map(|(name, _)| name.short()).collect();
    Err(Stop::usage(format!("{queue} is not a channel of {}, which has {}", target.name, names.join(", "))))
}

/// The checks of messages before they are published.
pub(in crate::commands) struct Checks(Option<MessageSchemas>);

impl Checks {
    pub(in crate::commands) fn new(invocation: &Invocation) -> Self {
        let contract = invocation.known_target().and_then(|target| target.contract.as_deref());
        Self(contract.and_then(MessageSchemas::parse))
    }

    /// Fails if the message would stop the MOV's forwarding, or does not match the schema of its channel.
    pub(in crate::commands) fn check(&self, exchange: &str, key: &str, item: &Item) -> Result<(), Stop> {
        let place = &item.place;
        if item.content_type != JSON && is_of_platform(exchange, key) {
            return Err(refused(place, "is CBOR, and the MOV and components expect a JSON object"));
        }
        self.check_body_at(exchange, key, item.json.as_ref().unwrap_or(&item.body), item.content_type, place)
    }

    /// The same for a body that is meant to be JSON.
    pub(in crate::commands) fn check_body(&self, exchange: &str, key: &str, body: &[u8]) -> Result<(), Stop> {
        self.check_body_at(exchange, key, body, JSON, "")
    }

    fn check_body_at(
        &self,
        exchange: &str,
        key: &str,
        body: &[u8],
        content_type: &str,
        place: &str,
    ) -> Result<(), Stop> {
        if !is_of_platform(exchange, key) {
            return Ok(());
        }
        let Shape::Object(json) = payload::shape(body) else {
            return Err(refused(
                place,
                "is not a JSON object: the MOV stops to forward the channel at the first of them",
            ));
        };
        debug_assert_eq!(content_type, JSON, "others were refused");
        let Some(schemas) = &self.0 else { return Ok(()) };
        let value: Value = serde_json::from_str(json.get()).map_err(|error| refused(place, &error.to_string()))?;
        let violations = schemas.violations(key, &value);
        if violations.is_empty() {
            return Ok(());
        }
        let text = format!("does not match the schema of {key}:\n  {}", violations.join("\n  "));
        Err(refused(place, &text))
    }
}

/// Whether the MOV or a component reads what is published there.
fn is_of_platform(exchange: &str, key: &str) -> bool {
    exchange.is_empty() && key.starts_with("valawai/")
}

fn not_json(place: &str, error: &serde_json::Error) -> Stop {
    refused(place, &format!("is not JSON: {error}"))
}

fn refused(place: &str, what: &str) -> Stop {
    Stop::no(format!("message{place} {what}. --no-check publishes it nevertheless"))
}
