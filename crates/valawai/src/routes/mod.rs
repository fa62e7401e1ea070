//! Routes: exchanges and queues beyond the channels of the component, from the setting `QUEUE_CONFIG`.
//!
//! A consumer feeds a handler of the component from any queue. A producer publishes what becomes of messages, or what handlers
//! send to it by its name. `reader` turns the JSON text into these values, and reports all problems together.

mod kind;
mod names;
mod object;
mod place;
mod problem;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use self::kind::{ExchangeKind, PlainKind};
pub use self::problem::Problem;
pub use self::reader::{HandlerChannel, find_handler, masked, parse};
use crate::secret::Secret;

/// The consumers and producers of a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routes {
    /// In the order of the configuration.
    pub consumers: Vec<ConsumerRoute>,
    /// In the order of the configuration.
    pub producers: Vec<ProducerRoute>,
}

impl Routes {
    /// Whether one of them connects with TLS although the component may not.
    #[must_use]
    pub fn use_tls(&self) -> bool {
        let of_consumers = self.consumers.iter().map(|route| &route.broker);
        let mut brokers = of_consumers.chain(self.producers.iter().map(|route| &route.broker)).flatten();
        brokers.any(|broker| broker.is_encrypted == Some(true))
    }
}

/// A queue that is consumed in addition to the channels of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRoute {
    /// Its name, unique among the routes.
    pub name: String,
    /// The queue, which is declared unless it exists.
    pub queue: String,
    /// What the queue is bound to; nothing else than the default exchange if there is none.
    pub binding: Option<Binding>,
    /// The channel whose handler gets the messages: `data/received_message`. Empty for the only data handler, if the handlers were
    /// not known.
    pub handler: String,
    /// Its broker; that of the component if there is none.
    pub broker: Option<RouteBroker>,
}

/// How a queue is bound to an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The exchange.
    pub exchange: Exchange,
    /// The key.
    pub key: String,
    /// The arguments, which an exchange of the type `headers` compares.
    pub arguments: Arguments,
}

/// Where messages are published in addition to the channels of the component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerRoute {
    /// Its name, unique among the routes.
    pub name: String,
    /// Where it publishes.
    pub destination: Destination,
    /// Which events it publishes by itself. If it has none, it is for handlers.
    pub events: Events,
    /// Whether a message is acknowledged only when this producer's copy is confirmed.
    pub confirm: bool,
    /// Its broker; that of the component if there is none.
    pub broker: Option<RouteBroker>,
}

/// Where a producer publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To an exchange, with a routing key.
    Exchange(Exchange, String),
    /// To a queue, which is declared unless it exists.
    Queue(String),
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ExchangeKind,
    /// Whether it survives a restart of the broker.
    pub durable: bool,
    /// Whether it is declared. Otherwise it must exist.
    pub create: bool,
    /// The arguments with which it is declared.
    pub arguments: Arguments,
}

/// Arguments of an exchange or of a binding, by name.
pub type Arguments = BTreeMap<String, Argument>;

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A boolean.
    Boolean(bool),
}

/// A broker other than that of the component. What it does not have is as for the component's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteBroker {
    /// The host.
    pub host: Option<String>,
    /// The AMQP port.
    pub port: Option<u16>,
    /// The user and the password.
    pub auth: Option<(String, Secret)>,
    /// The virtual host.
    pub vhost: Option<String>,
    /// Whether to connect with TLS.
    pub is_encrypted: Option<bool>,
}

/// Which events a producer publishes: its `of`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of four")]
pub struct Events {
    /// A message was delivered.
    pub received: bool,
    /// A handler has replied.
    pub reply: bool,
    /// An attempt failed, and another follows.
    pub retry: bool,
    /// A message cannot be processed.
    pub dead_letter: bool,
}

/// In which form a producer publishes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The reply, as it is.
    Reply,
    /// An error report.
    Report,
    /// Any event, with what is known about it.
    Envelope,
}

impl Routes {
    /// The names of all routes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let consumers = self.consumers.iter().map(|route| &*route.name);
        consumers.chain(self.producers.iter().map(|route| &*route.name))
    }
}

impl ConsumerRoute {
    /// Whether messages with `x-delay` are delayed before they are handled, as the exchange would do with its plugin.
    #[must_use]
    pub fn delays(&self) -> bool {
        let kind = self.binding.as_ref().map(|binding| binding.exchange.kind);
        matches!(kind, Some(ExchangeKind::Delayed(_)))
    }
}

impl Events {
    /// The form: replies and error reports are published as such by producers of nothing else.
    #[must_use]
    pub fn form(self) -> Form {
        let Self { received, reply, retry, dead_letter } = self;
        match (received, retry, reply, dead_letter) {
            (false, false, true, false) => Form::Reply,
            (false, false, false, true) => Form::Report,
            _ => Form::Envelope,
        }
    }

    /// The names in `of`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let Self { received, reply, retry, dead_letter } = self;
        let all = [(received, "received"), (reply, "reply"), (retry, "retry"), (dead_letter, "dead-letter")];
        all.into_iter().filter_map(|(is_set, name)| is_set.then_some(name))
    }
}
