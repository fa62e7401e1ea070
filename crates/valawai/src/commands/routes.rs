//! `routes`: what the consumers and producers of a configuration would declare, consume and publish.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::arguments::Command;
use super::console::{Cell, Console, RED, Table};
use super::exit::{Exit, Stop};
use super::invocation::Invocation;
use crate::routes::{self, ConsumerRoute, Destination, Exchange, Form, ProducerRoute, RouteBroker};
use crate::settings::read_routes_text;

/// More than a configuration may have.
const MOST_BYTES: u64 = 1024 * 1024;

/// Check consumers and producers from configuration
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  c1_echo routes check
  valawai routes check queue_config.json --asyncapi asyncapi.yaml --json

Prints what the consumers and producers of a file, or of the setting QUEUE_CONFIG, would declare, consume and publish. With
problems it prints all of them, each with its place, and exits with 1. Needs no broker.")]
pub(super) struct Routes {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print what would be declared, consumed and published, or what is wrong
    Check {
        /// A JSON file; otherwise the setting `QUEUE_CONFIG`
        file: Option<PathBuf>,
    },
}

/// What a route would do.
#[derive(Serialize)]
struct Shown<'r> {
    name: &'r str,
    #[serde(rename = "type")]
    kind: &'static str,
    broker: String,
    declares: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumes: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handler: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publishes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

#[derive(Serialize)]
struct Report<'r> {
    routes: Vec<Shown<'r>>,
    problems: &'r [routes::Problem],
}

impl Command for Routes {
    fn run(&self, invocation: &Invocation) -> Result<Exit, Stop> {
        let Action::Check { file } = &self.action;
        let handlers = invocation.known_target().and_then(|target| target.handlers.as_deref());
        let parsed = routes::parse(&text(invocation, file.as_ref())?, handlers);
        let problems = parsed.as_ref().err().map(Vec::as_slice).unwrap_or_default();
        let none = routes::Routes::default();
        let routes = parsed.as_ref().unwrap_or(&none);
        let producers = routes.producers.iter().map(producer);
        let shown: Vec<Shown<'_>> = routes.consumers.iter().map(consumer).chain(producers).collect();
        let console = &invocation.console;
        if console.is_json() {
            console.object(&Report { routes: shown, problems })?;
        } else {
            print(console, &shown, problems)?;
        }
        Ok(if problems.is_empty() { Exit::Done } else { Exit::No })
    }
}

fn text(invocation: &Invocation, file: Option<&PathBuf>) -> Result<String, Stop> {
    let Some(file) = file else {
        let text = read_routes_text(&invocation.layers()?).map_err(|it| Stop::new(Exit::Settings, it.to_string()))?;
        return text.ok_or_else(|| Stop::usage("which routes? QUEUE_CONFIG is not set; as in `routes check FILE`"));
    };
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| Stop::usage(format!("cannot read {}: {error}", file.display())))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn consumer(route: &ConsumerRoute) -> Shown<'_> {
    let queue = &route.queue;
    let mut declares = vec![format!("the queue {queue}, unless it exists")];
    if let Some(binding) = &route.binding {
        let name = &binding.exchange.name;
        declares.splice(0..0, exchange(&binding.exchange));
        declares.push(format!("a binding of {queue} to the exchange {name} with the key `{}`", binding.key));
    }
    Shown {
        name: &route.name,
        kind: "consumer",
        broker: broker(route.broker.as_ref()),
        declares,
        consumes: Some(queue),
        handler: Some(&route.handler).filter(|handler| !handler.is_empty()).map(String::as_str),
        publishes: None,
        to: None,
    }
}

fn producer(route: &ProducerRoute) -> Shown<'_> {
    let (declares, to) = match &route.destination {
        Destination::Queue(queue) => {
            (vec![format!("the queue {queue}, unless it exists")], format!("the queue {queue}"))
        }
        Destination::Exchange(it, key) => {
            (exchange(it).into_iter().collect(), format!("the exchange {} with the key `{key}`", it.name))
        }
    };
    let events: Vec<_> = route.events.names().collect();
    let publishes = match (&events[..], route.events.form()) {
        ([], _) => "what handlers send to it".to_owned(),
        (_, Form::Reply) => "replies".to_owned(),
        (_, Form::Report) => "error reports".to_owned(),
        (_, Form::Envelope) => format!("an envelope for each of {}", events.join(", ")),
    };
    let best_effort = if route.confirm { "" } else { "; without waiting for confirms" };
    Shown {
        name: &route.name,
        kind: "producer",
        broker: broker(route.broker.as_ref()),
        declares,
        consumes: None,
        handler: None,
        publishes: Some(format!("{publishes}{best_effort}")),
        to: Some(to),
    }
}

/// What is declared of an exchange. Otherwise it must exist.
fn exchange(exchange: &Exchange) -> Option<String> {
    let Exchange { name, kind, durable, create, .. } = exchange;
    let durable = if *durable { "durable" } else { "transient" };
    create.then(|| format!("the {durable} exchange {name} of the type {}", kind.name()))
}

fn broker(broker: Option<&RouteBroker>) -> String {
    broker.map_or_else(|| "that of the component".to_owned(), broker_text)
}

/// Where another broker is.
pub(super) fn broker_text(broker: &RouteBroker) -> String {
    let RouteBroker { host, port, vhost, is_encrypted, .. } = broker;
    let host = host.as_deref().unwrap_or("the component's host");
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let vhost = vhost.as_ref().map(|vhost| format!(", virtual host {vhost}")).unwrap_or_default();
    let tls = match is_encrypted {
        Some(true) => ", with TLS",
        Some(false) => ", without TLS",
        None => "",
    };
    format!("{host}{port}{vhost}{tls}")
}

fn print(console: &Console, routes: &[Shown<'_>], problems: &[routes::Problem]) -> Result<(), Stop> {
    for problem in problems {
        console.line(format!("{}: {}", console.paint(RED, "error"), Console::clean(problem)))?;
    }
    if problems.is_empty() {
        let mut table = Table::new(["route", "does", "what"]);
        for route in routes {
            let lines = route.declares.iter().map(|what| ("declares", what.clone()));
            let consumes = route.consumes.map(|queue| {
                let handler =
                    route.handler.map(|handler| format!(", for the handler of {handler}")).unwrap_or_default();
                ("consumes", format!("{queue}{handler}"))
            });
            let publishes =
                route.publishes.iter().zip(&route.to).map(|(what, to)| ("publishes", format!("{what}, to {to}")));
            let broker = ("connects", format!("to {}", route.broker));
            let names = std::iter::once(route.name).chain(std::iter::repeat(""));
            for (name, (does, what)) in names.zip([broker].into_iter().chain(lines).chain(consumes).chain(publishes)) {
                table.row([Cell::text(name), Cell::text(does), Cell::text(what)]);
            }
        }
        console.table(&table)?;
    }
    let count = |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    console.note(format!("{}, {}", count(routes.len(), "route"), count(problems.len(), "problem")));
    Ok(())
}
