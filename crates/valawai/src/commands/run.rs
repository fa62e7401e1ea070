//! No command: run the component.

use std::sync::Arc;

use super::exit::Exit;
use crate::broker::{Session, amqp};
use crate::component::ResolvedComponent;
use crate::configuration::{Configuration, watch};
use crate::health::instance::Instance;
use crate::logs;
use crate::process::{App, Connect, signals};
use crate::settings::{Document, Environment, Layers, Settings};
use crate::shutdown::Shutdown;

pub(super) fn run(resolved: &ResolvedComponent, flags: Document) -> Exit {
    let configuration =
        Layers::read(Arc::new(Environment), flags).and_then(|layers| Configuration::new(resolved, layers));
    let configuration = match configuration {
        Ok(configuration) => configuration,
        Err(problems) => {
            eprintln!("{problems}");
            return Exit::Settings;
        }
    };
    let (instance, warning) = claim_folder(&configuration.settings());
    configuration.move_to(instance.folder());
    logs::start(&configuration.settings().logs);
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
    match watch::start(&configuration, &shutdown) {
        Ok(true) => {}
        Ok(false) => return Exit::Done,
        Err(error) => {
            log::error!("cannot follow the settings: {error}");
            return Exit::Internal;
        }
    }
    run_configured(resolved, &configuration, &shutdown)
}

fn run_configured(resolved: &ResolvedComponent, configuration: &Configuration, shutdown: &Shutdown) -> Exit {
    let faults = &configuration.settings().faults;
    if faults.is_enabled() {
        log::warn!("CHAOS settings are in effect; faults are injected: {faults:?}");
    }
    configuration.start();
    match App::new(resolved, configuration, connect(resolved)).run(shutdown) {
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

fn connect(resolved: &ResolvedComponent) -> Connect {
    let client = format!("{} {}", resolved.name(), resolved.version());
    Arc::new(move |broker, number| {
        let session = amqp::connect(&amqp::Options { client: client.clone(), ..broker.clone() }, number)?;
        log::debug!("connected to {}", session.host());
        Ok(Box::new(session) as Box<dyn Session>)
    })
}
