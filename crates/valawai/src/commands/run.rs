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
use crate::telemetry::Telemetry;

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
    let telemetry = match serve_telemetry(&configuration.settings()) {
        Ok(telemetry) => telemetry,
        Err(problem) => {
            eprintln!("{problem}");
            return Exit::Settings;
        }
    };
    let (instance, warning) = claim_folder(&configuration.settings());
    configuration.move_to(instance.folder());
    logs::start(&configuration.settings().logs, resolved.name());
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
    if let Some(telemetry) = &telemetry {
        log::info!("serving /metrics, /health/live and /health/ready on http://{}", telemetry.address());
    }
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
    run_configured(resolved, &configuration, telemetry.as_ref(), &shutdown)
}

/// Serves metrics and the health if that is configured: before anything that may take long, so that probes are answered.
fn serve_telemetry(settings: &Settings) -> Result<Option<Telemetry>, String> {
    let Some(address) = &settings.metrics_address else { return Ok(None) };
    Telemetry::serve(address).map(Some).map_err(|error| {
        let (host, port) = address;
        format!(
            "METRICS_ADDRESS: cannot listen on {host}:{port}: {error}; set another address, or none to serve no metrics"
        )
    })
}

fn run_configured(
    resolved: &ResolvedComponent,
    configuration: &Configuration,
    telemetry: Option<&Telemetry>,
    shutdown: &Shutdown,
) -> Exit {
    let faults = &configuration.settings().faults;
    if faults.is_enabled() {
        log::warn!("CHAOS settings are in effect; faults are injected: {faults:?}");
    }
    configuration.start();
    let app = App::new(resolved, configuration, connect(resolved));
    if let Some(telemetry) = telemetry {
        telemetry.observe(app.observed(shutdown));
    }
    match app.run(shutdown) {
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
