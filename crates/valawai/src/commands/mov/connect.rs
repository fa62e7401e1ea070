//! Connects channels.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use serde_json::json;

use super::request;
use super::view::{Endpoint, View};
use crate::commands::console::Console;
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::mov::payloads::TOPOLOGY_CREATE;
use crate::name::{ChannelName, Id};

/// A channel, and its component if that is given.
#[derive(Debug, Clone)]
pub(super) struct EndpointArgument {
    component: Option<Id>,
    channel: ChannelName,
}

impl FromStr for EndpointArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (component, channel) = match text.split_once(':') {
            Some((id, channel)) => (Some(id.parse::<Id>().map_err(|error| error.to_string())?), channel),
            None => (None, text),
        };
        Ok(Self { component, channel: channel.parse::<ChannelName>().map_err(|error| error.to_string())? })
    }
}

impl EndpointArgument {
    /// The channel with its component: the only registered one of its name.
    pub(super) fn resolve(&self, view: &View<'_>) -> Result<Endpoint, Stop> {
        let channel = self.channel.queue().to_string();
        if let Some(id) = &self.component {
            return Ok(Endpoint { component: Some(id.to_string()), channel });
        }
        let name = format!("{}_{}", self.channel.level().lower(), self.channel.component());
        let found = view.components(Some(&name))?;
        let ids: Vec<String> = found.into_iter().filter(|found| found.name == name).map(|found| found.id).collect();
        match &ids[..] {
            [id] => Ok(Endpoint { component: Some(id.clone()), channel }),
            [] => Err(Stop::no(format!("the component {name} is not registered"))),
            _ => Err(Stop::no(format!(
                "several components {name} are registered: write ID:{channel}, with one of {}",
                ids.join(", ")
            ))),
        }
    }
}

pub(super) fn connect(
    invocation: &Invocation,
    view: &View<'_>,
    (source, target): (&EndpointArgument, &EndpointArgument),
    converter: Option<&Path>,
    enabled: bool,
) -> Result<Exit, Stop> {
    let console = &invocation.console;
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| Stop::usage(format!("cannot read {}: {error}", path.display())))
    };
    let converter = converter.map(read).transpose()?;
    let (source, target) = (source.resolve(view)?, target.resolve(view)?);
    let known = connections_between(view, &source, &target)?;
    // By queues, a known one may be removed.
    if let Some(id) = known.first().filter(|_| view.rest().is_some()) {
        console.note(format!("{} and {} are connected already", source.channel, target.channel));
        return report(invocation, id);
    }
    if invocation.dry_run {
        console.note(format!("would connect {} with {}", source.channel, target.channel));
        return Ok(Exit::Done);
    }
    let end = |end: &Endpoint| json!({"component_id": end.component, "channel_name": end.channel});
    let mut body = json!({"source": end(&source), "target": end(&target), "enabled": enabled});
    if let Some(converter) = converter {
        body["converter_js_code"] = converter.into();
    }
    view.queues.require_mov(TOPOLOGY_CREATE)?;
    request::send(invocation, view.queues.operator()?, TOPOLOGY_CREATE, &body)?;
    let id = view.wait_for(
        "the connection",
        |message| message.contains("create topology connection payload"),
        || Ok(connections_between(view, &source, &target)?.into_iter().find(|id| !known.contains(id))),
    )?;
    if !console.is_json() {
        console.note(format!("connected {} with {}", source.channel, target.channel));
    }
    report(invocation, &id)
}

fn report(invocation: &Invocation, id: &str) -> Result<Exit, Stop> {
    if invocation.console.is_json() {
        invocation.console.object(&json!({"connection": id}))?;
    } else {
        invocation.console.line(Console::clean(id))?;
    }
    Ok(Exit::Done)
}

/// The identifiers of the connections between two channels.
fn connections_between(view: &View<'_>, source: &Endpoint, target: &Endpoint) -> Result<Vec<String>, Stop> {
    let is_same = |known: &Endpoint, wanted: &Endpoint| {
        known.channel == wanted.channel && (known.component.is_none() || known.component == wanted.component)
    };
    let all = view.connections(Some(&source.channel))?.into_iter();
    let between = all.filter(|it| is_same(&it.source, source) && is_same(&it.target, target));
    Ok(between.map(|connection| connection.id).collect())
}
