//! Reads the JSON text of a configuration.

use serde_json::Value;

use super::object::Object;
use super::problem::{Problem, kind};
use super::{Binding, ConsumerRoute, Destination, Events, ProducerRoute, Routes, names};
use crate::name::{ChannelName, Kind};

/// The name of the array.
const ROOT: &str = "queue_config";

/// The longest text, in bytes.
const LONGEST: usize = 64 * 1024;

/// How many routes there may be. Each has connections of its own.
const MOST_ROUTES: usize = 64;

const CONSUMER_FIELDS: [&str; 12] = [
    "name",
    "type",
    "exchange",
    "queue",
    "binding_key",
    "binding_arguments",
    "handler",
    "host",
    "port",
    "auth",
    "vhost",
    "tls",
];
const PRODUCER_FIELDS: [&str; 12] =
    ["name", "type", "exchange", "queue", "binding_key", "of", "confirm", "host", "port", "auth", "vhost", "tls"];

/// A handler that a consumer may feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerChannel {
    /// The channel that it was declared for.
    pub channel: ChannelName,
    /// Whether it has a state, which only the messages of its own channel may change.
    pub has_state: bool,
}

/// Reads `text`: an array of routes, or an object with the array as `queue_config`. Without `handlers`, those that it names are
/// not checked.
///
/// # Errors
/// All problems together.
pub fn parse(text: &str, handlers: Option<&[HandlerChannel]>) -> Result<Routes, Vec<Problem>> {
    if text.len() > LONGEST {
        return Err(vec![Problem::new(ROOT, "at most 64 KiB", "a longer text")]);
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| vec![Problem::new(ROOT, position(&error), "another text")])?;
    let mut reader = Reader { handlers, problems: Vec::new(), routes: Routes::default() };
    reader.read(&value);
    if reader.problems.is_empty() { Ok(reader.routes) } else { Err(reader.problems) }
}

/// The handler that `text` names: by its channel in full, as in `data/received_message`, or by its operation alone. An empty
/// text is the only data handler.
///
/// # Errors
/// What was expected.
pub fn find_handler<'h>(handlers: &'h [HandlerChannel], text: &str) -> Result<&'h HandlerChannel, &'static str> {
    let is_meant = |handler: &&HandlerChannel| {
        let channel = &handler.channel;
        match text {
            "" => channel.kind() == Kind::Data,
            _ => text == channel.short() || text == &**channel.queue() || text == channel.operation(),
        }
    };
    match handlers.iter().filter(is_meant).collect::<Vec<_>>()[..] {
        [handler] if handler.has_state => Err("one without a state, which only its own channel may change"),
        [handler] => Ok(handler),
        [] => Err("a channel with a handler"),
        [_, _, ..] => Err("one channel"),
    }
}

/// The text without passwords, for operators; `***` if it is not valid.
#[must_use]
pub fn masked(text: &str) -> String {
    let Ok(mut value) = serde_json::from_str(text) else { return "***".to_owned() };
    if parse(text, None).is_err() {
        return "***".to_owned();
    }
    mask(&mut value);
    value.to_string()
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "password" { *value = "***".into() } else { mask(value) }
            }
        }
        _ => {}
    }
}

/// Where the text stops to be JSON. The message of the error may contain a part of the text.
fn position(error: &serde_json::Error) -> String {
    format!("JSON, which it is not from line {}, column {} on", error.line(), error.column())
}

pub(super) struct Reader<'h> {
    handlers: Option<&'h [HandlerChannel]>,
    pub(super) problems: Vec<Problem>,
    routes: Routes,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value) {
        let value = match value {
            Value::Object(fields) if fields.contains_key(ROOT) => &fields[ROOT],
            other => other,
        };
        let Value::Array(routes) = value else {
            return self.problems.push(Problem::new(
                ROOT,
                "an array, or an object with it as `queue_config`",
                kind(value),
            ));
        };
        if routes.len() > MOST_ROUTES {
            return self.problems.push(Problem::new(ROOT, format!("at most {MOST_ROUTES} routes"), "more"));
        }
        for (index, route) in routes.iter().enumerate() {
            self.route(format!("{ROOT}[{index}]"), route);
        }
    }

    fn route(&mut self, path: String, value: &Value) {
        let is_producer = match value.get("type").map(Value::as_str) {
            Some(Some("consumer")) => false,
            Some(Some("producer")) => true,
            found => {
                let found = if found.is_none() { "nothing" } else { kind(&value["type"]) };
                return self.problems.push(Problem::new(format!("{path}.type"), "`consumer` or `producer`", found));
            }
        };
        let known = if is_producer { &PRODUCER_FIELDS } else { &CONSUMER_FIELDS };
        let Some(object) = Object::new(path, value, known, &mut self.problems) else { return };
        let name = self.name(&object);
        if is_producer { self.producer(&object, name) } else { self.consumer(&object, name) }
    }

    /// An empty name is one of a route with problems.
    fn name(&mut self, object: &Object<'_>) -> String {
        let name = object.required_text("name", names::route, &mut self.problems).unwrap_or_default().to_owned();
        if !name.is_empty() && self.routes.names().any(|other| other == name) {
            let path = object.path_of("name");
            self.problems.push(Problem::new(path, "a name that no other route has", "that of another route"));
        }
        name
    }

    fn consumer(&mut self, object: &Object<'_>, name: String) {
        let queue = object.required_text("queue", names::queue, &mut self.problems).unwrap_or_default().to_owned();
        let exchange = self.exchange(object);
        let key = self.key(object, exchange.as_ref());
        let arguments = object.arguments("binding_arguments", &mut self.problems);
        let handler = self.handler(object);
        let broker = self.broker(object);
        let binding = exchange.map(|exchange| Binding { exchange, key, arguments });
        self.routes.consumers.push(ConsumerRoute { name, queue, binding, handler, broker });
    }

    fn producer(&mut self, object: &Object<'_>, name: String) {
        let exchange = self.exchange(object);
        let key = self.key(object, exchange.as_ref());
        let queue = object.text("queue", names::queue, &mut self.problems).unwrap_or_default();
        let both = (object.get("exchange").is_some(), object.get("queue").is_some());
        if both.0 == both.1 {
            let found = if both.0 { "both" } else { "nothing" };
            self.problems.push(Problem::new(&object.path, "either an `exchange` or a `queue`", found));
        }
        let destination = match exchange {
            Some(exchange) => Destination::Exchange(exchange, key),
            None => Destination::Queue(queue.to_owned()),
        };
        let events = self.events(object);
        let confirm = object.boolean("confirm", true, &mut self.problems);
        let broker = self.broker(object);
        self.routes.producers.push(ProducerRoute { name, destination, events, confirm, broker });
    }

    fn events(&mut self, route: &Object<'_>) -> Events {
        let mut events = Events::default();
        let Some(value) = route.get("of") else { return events };
        for value in value.as_array().unwrap_or(&vec![value.clone()]) {
            match value.as_str() {
                Some("received") => events.received = true,
                Some("reply") => events.reply = true,
                Some("retry") => events.retry = true,
                Some("dead-letter") => events.dead_letter = true,
                _ => {
                    let expected = "an array of `received`, `reply`, `retry` and `dead-letter`";
                    self.problems.push(Problem::new(route.path_of("of"), expected, kind(value)));
                }
            }
        }
        events
    }

    /// The short name of the handler's channel.
    fn handler(&mut self, route: &Object<'_>) -> String {
        let text = route.text("handler", names::any, &mut self.problems);
        if text.is_none() && route.get("handler").is_some() {
            return String::new();
        }
        let Some(handlers) = self.handlers else { return text.unwrap_or_default().to_owned() };
        let problem = match find_handler(handlers, text.unwrap_or_default()) {
            Ok(handler) => return handler.channel.short().to_owned(),
            Err(problem) => problem,
        };
        let all: Vec<&str> = handlers.iter().map(|handler| handler.channel.short()).collect();
        let expected = format!("{problem}; those of the component are {}", all.join(", "));
        let found = route.get("handler").map_or("nothing", kind);
        self.problems.push(Problem::new(route.path_of("handler"), expected, found));
        String::new()
    }
}
