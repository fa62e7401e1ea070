//! Without a verb: be the component.

use std::sync::Arc;

use super::exit::Exit;
use crate::broker::{Session, amqp};
use crate::component::ResolvedComponent;
use crate::health::instance::Instance;
use crate::logs;
use crate::process::{App, Connect, signals};
use crate::settings::{Environment, Settings};

pub(super) fn run(resolved: &ResolvedComponent) -> Exit {
    let settings = match Settings::read(&Environment) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("{problems}");
            return Exit::Settings;
        }
    };
    let (instance, doubt) = claim_folder(&settings);
    let settings = settings.in_folder(instance.folder());
    logs::start(&settings.logs);
    if let Some(doubt) = doubt {
        log::warn!("{doubt}");
    }
    let stop = match signals::catch() {
        Ok(stop) => stop,
        Err(error) => {
            log::error!("cannot catch signals: {error}");
            return Exit::Internal;
        }
    };
    log::info!("{} {} starts", resolved.name(), resolved.version());
    if settings.faults.is_on() {
        log::warn!("CHAOS is on, and makes messages fail on purpose: {:?}", settings.faults);
    }
    match App::new(resolved, &settings, connect(resolved, &settings)).run(&stop) {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::error!("{error}");
            Exit::BrokerNotReached
        }
    }
}

/// The folder of this process, and what is to be said of it once there is a log.
fn claim_folder(settings: &Settings) -> (Instance, Option<String>) {
    let base = &settings.logs.folder;
    match Instance::claim(base, &settings.health.name()) {
        Ok(instance) if instance.folder() == base => (instance, None),
        Ok(instance) => {
            let taken = format!(
                "another process uses {}; log and health file of this one are in {}",
                base.display(),
                instance.folder().display()
            );
            (instance, Some(taken))
        }
        Err(error) => {
            let doubt = format!("cannot claim {} for this process alone: {error}", base.display());
            (Instance::unclaimed(base), Some(doubt))
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
