//! No command: run the component.

use std::sync::Arc;

use super::exit::Exit;
use crate::broker::{Session, amqp};
use crate::component::ResolvedComponent;
use crate::health::instance::Instance;
use crate::logs;
use crate::process::{App, Connect, signals};
use crate::settings::{Environment, Settings};

pub(super) fn run(resolved: &ResolvedComponent) -> Exit {
    let settings = match Settings::read_for(&Environment, &resolved.handlers()) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("{problems}");
            return Exit::Settings;
        }
    };
    let (instance, warning) = claim_folder(&settings);
    let settings = settings.in_folder(instance.folder());
    logs::start(&settings.logs);
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
    let shutdown = match signals::catch() {
        Ok(shutdown) => shutdown,
        Err(error) => {
            log::error!("cannot install the signal handler: {error}");
            return Exit::Internal;
        }
    };
    log::info!("{} {} starts", resolved.name(), resolved.version());
    for warning in resolved.warnings() {
        log::warn!("{warning}");
    }
    if settings.faults.is_enabled() {
        log::warn!("CHAOS settings are in effect; faults are injected: {:?}", settings.faults);
    }
    match App::new(resolved, &settings, connect(resolved, &settings)).run(&shutdown) {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::error!("{error}");
            Exit::BrokerNotReached
        }
    }
}

/// Claims the folder of this process. Returns a warning as well, which is logged when the log is open.
fn claim_folder(settings: &Settings) -> (Instance, Option<String>) {
    let base = &settings.logs.folder;
    match Instance::claim(base, &settings.health.name()) {
        Ok(instance) if instance.folder() == base => (instance, None),
        Ok(instance) => {
            let warning = format!(
                "another process uses {}; the log and the health file of this process are in {}",
                base.display(),
                instance.folder().display()
            );
            (instance, Some(warning))
        }
        Err(error) => {
            let warning = format!("cannot lock {} for this process: {error}; using it without a lock", base.display());
            (Instance::unclaimed(base), Some(warning))
        }
    }
}

fn connect(resolved: &ResolvedComponent, settings: &Settings) -> Connect {
    let client = format!("{} {}", resolved.name(), resolved.version());
    let options = amqp::Options { client, ..settings.broker.clone() };
    Arc::new(move |number| {
        let session = amqp::connect(&options, number)?;
        log::debug!("connected to {}", session.host());
        Ok(Box::new(session) as Box<dyn Session>)
    })
}
