//! `config watch`: prints the changes of settings.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, select};
use serde::Serialize;

use crate::commands::console::{BOLD, Console, DIM};
use crate::commands::exit::{Exit, Stop};
use crate::commands::invocation::Invocation;
use crate::settings::{Document, Effective, Layers};
use crate::store::{Options, Store, Values};

/// How often to look at the configuration file.
const FILE_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Change<'c> {
    name: &'c str,
    previous: &'c str,
    value: &'c str,
    source: &'c str,
}

pub(super) fn run(invocation: &Invocation) -> Result<Exit, Stop> {
    let mut layers = invocation.layers_without_store()?;
    let options = invocation.store_options(&layers)?;
    if options.is_none() && !layers.has_file() {
        return Err(Stop::no(
            "there is nothing to watch: set CONSUL_HOST or ETCD_HOST, or CONFIG_FILE; for a program that serves any \
             component, also --component",
        ));
    }
    let name = options.as_ref().map_or("", Options::name);
    let values = options.map_or_else(|| Ok(crossbeam_channel::never()), watch)?;
    let look_at_file = crossbeam_channel::tick(FILE_INTERVAL);
    let mut known = None;
    loop {
        select! {
            recv(invocation.shutdown.requested()) -> _ => return Ok(Exit::Interrupted),
            recv(values) -> values => match values {
                Ok(values) => layers = layers.with_store(Document::from_paths(name, &values)),
                Err(_) => return Err(Stop::no(format!("{name} is not watched any more"))),
            },
            recv(look_at_file) -> _ => {
                if let Err(expected) = layers.read_file() {
                    invocation.console.note(format!("CONFIG_FILE: expected {expected}"));
                }
            }
        }
        show(invocation, &layers, &mut known)?;
    }
}

/// Watches the store on a thread, which ends with the process.
fn watch(options: Options) -> Result<Receiver<Values>, Stop> {
    let (sender, values) = crossbeam_channel::unbounded();
    let work = move || {
        Store::new(options).watch(&mut |values| match sender.send(values) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    };
    thread::Builder::new().name("settings".into()).spawn(work).map_err(|error| Stop::no(error.to_string()))?;
    Ok(values)
}

/// Prints what differs from what is `known`: at first, from the defaults.
fn show(invocation: &Invocation, layers: &Layers, known: &mut Option<Vec<Effective>>) -> Result<(), Stop> {
    let settings = match invocation.settings_of(layers) {
        Ok(settings) => settings.effective,
        Err(problems) => {
            if let Some(message) = problems.message {
                invocation.console.note(message);
            }
            return Ok(());
        }
    };
    let console = &invocation.console;
    for setting in &settings {
        let previous = known.iter().flatten().find(|previous| previous.name == setting.name);
        let is_new = if known.is_some() { previous != Some(setting) } else { !setting.is_default() };
        if is_new {
            print(console, setting, previous.map_or("", |previous| &previous.value))?;
        }
    }
    let removed =
        known.iter().flatten().filter(|previous| settings.iter().all(|setting| setting.name != previous.name));
    for previous in removed {
        let gone = Effective { value: String::new(), ..previous.clone() };
        print(console, &gone, &previous.value)?;
    }
    *known = Some(settings);
    Ok(())
}

fn print(console: &Console, Effective { name, value, origin }: &Effective, previous: &str) -> Result<(), Stop> {
    if console.is_json() {
        return Ok(console.object(&Change { name, previous, value, source: origin })?);
    }
    let shown = if value.is_empty() { "(not set)".to_owned() } else { Console::clean(value) };
    let line = format!("{} = {shown}  {}", console.paint(BOLD, name), console.paint(DIM, format!("({origin})")));
    Ok(console.line(line)?)
}
