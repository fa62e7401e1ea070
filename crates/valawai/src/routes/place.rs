//! Reads where a route consumes or publishes: its exchange, the key, and the broker.

use super::object::Object;
use super::problem::Problem;
use super::reader::Reader;
use super::{Argument, Exchange, ExchangeKind, PlainKind, RouteBroker, names};

impl Reader<'_> {
    pub(super) fn exchange(&mut self, route: &Object<'_>) -> Option<Exchange> {
        let known = ["name", "type", "durable", "create", "arguments"];
        let object = route.object("exchange", &known, &mut self.problems)?;
        let create = object.boolean("create", false, &mut self.problems);
        let name = object.required_text("name", |text| names::exchange(text, create), &mut self.problems);
        let durable = object.boolean("durable", true, &mut self.problems);
        let arguments = object.arguments("arguments", &mut self.problems);
        let kind = match object.text("type", |text| kind_named(text).map(drop), &mut self.problems) {
            Some(names::DELAYED) => {
                let Some(kind) = delayed_kind(arguments.get("x-delayed-type")) else {
                    let path = object.path_of("arguments.x-delayed-type");
                    self.problems.push(Problem::new(path, "direct, fanout, topic or headers", "another value"));
                    return None;
                };
                ExchangeKind::Delayed(kind)
            }
            Some(text) => ExchangeKind::Plain(kind_named(text).ok()??),
            None => ExchangeKind::Plain(PlainKind::Topic),
        };
        Some(Exchange { name: name.unwrap_or_default().to_owned(), kind, durable, create, arguments })
    }

    /// The key, which every exchange needs that routes by it.
    pub(super) fn key(&mut self, route: &Object<'_>, exchange: Option<&Exchange>) -> String {
        if route.get("binding_key").is_some() && route.get("exchange").is_none() {
            let path = route.path_of("binding_key");
            self.problems.push(Problem::new(path, "no key without an `exchange`", "one"));
        }
        let kind = exchange.map(|exchange| exchange.kind.plain());
        if matches!(kind, Some(PlainKind::Direct | PlainKind::Topic)) && route.get("binding_key").is_none() {
            let path = route.path_of("binding_key");
            self.problems.push(Problem::new(path, "a key, by which this type of exchange routes", "nothing"));
        }
        route.text("binding_key", names::key, &mut self.problems).unwrap_or_default().to_owned()
    }

    pub(super) fn broker(&mut self, route: &Object<'_>) -> Option<RouteBroker> {
        let auth = route.object("auth", &["user", "password"], &mut self.problems);
        let auth = auth.and_then(|auth| {
            let user = auth.required_text("user", names::any, &mut self.problems);
            let password = auth.secret("password", &mut self.problems);
            Some((user?.to_owned(), password?))
        });
        let broker = RouteBroker {
            host: route.text("host", names::host, &mut self.problems).map(str::to_owned),
            port: route.port("port", &mut self.problems),
            auth,
            vhost: route.text("vhost", names::any, &mut self.problems).map(str::to_owned),
            is_encrypted: route.get("tls").map(|_| route.boolean("tls", false, &mut self.problems)),
        };
        (broker != RouteBroker::default()).then_some(broker)
    }
}

/// The type with this name; `None` is the one that delays.
fn kind_named(text: &str) -> Result<Option<PlainKind>, &'static str> {
    if text == names::DELAYED {
        return Ok(None);
    }
    let all = [PlainKind::Direct, PlainKind::Fanout, PlainKind::Topic, PlainKind::Headers];
    let kind = all.into_iter().find(|kind| kind.name() == text);
    kind.map(Some).ok_or("direct, fanout, topic, headers or x-delayed-message")
}

/// How an exchange that delays routes. Without the argument, a topic: it also routes as a direct exchange does.
fn delayed_kind(argument: Option<&Argument>) -> Option<PlainKind> {
    match argument {
        None => Some(PlainKind::Topic),
        Some(Argument::Text(text)) => kind_named(text).ok().flatten(),
        Some(_) => None,
    }
}
