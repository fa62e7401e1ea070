//! Without a verb: be the component.

use std::sync::Arc;

use super::exit::Exit;
use crate::app::{App, Connect, signals};
use crate::broker::{Session, amqp};
use crate::component::Plan;
use crate::logs;
use crate::settings::{Environment, Settings};

pub(super) fn run(plan: &Plan) -> Exit {
    let settings = match Settings::read(&Environment) {
        Ok(settings) => settings,
        Err(problems) => {
            eprintln!("{problems}");
            return Exit::Settings;
        }
    };
    logs::start(&settings.logs);
    let stop = match signals::catch() {
        Ok(stop) => stop,
        Err(error) => {
            log::error!("cannot catch signals: {error}");
            return Exit::Internal;
        }
    };
    log::info!("{} {} starts", plan.name(), plan.version());
    if settings.chaos.is_on() {
        log::warn!("CHAOS is on, and makes messages fail on purpose: {:?}", settings.chaos);
    }
    match App::new(plan, &settings, connect(plan, &settings)).run(&stop) {
        Ok(()) => Exit::Done,
        Err(error) => {
            log::error!("{error}");
            Exit::BrokerNotReached
        }
    }
}

fn connect(plan: &Plan, settings: &Settings) -> Connect {
    let client = format!("{} {}", plan.name(), plan.version());
    let options = amqp::Options { client, ..settings.broker.clone() };
    Arc::new(move |number| {
        let session = amqp::connect(&options, number)?;
        log::debug!("connected to {}", session.host());
        Ok(Box::new(session) as Box<dyn Session>)
    })
}
