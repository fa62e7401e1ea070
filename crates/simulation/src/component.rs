//! The component that is simulated: it does with a message what the message says.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use valawai::internals::broker::Session;
use valawai::internals::component::ResolvedComponent;
use valawai::internals::configuration::Configuration;
use valawai::internals::process::{App, Connect};
use valawai::internals::settings::{Document, Layers};
use valawai::internals::shutdown::Shutdown;
use valawai::{Component, Context, Failure};

use crate::scheduler;
use crate::session;
use crate::world::MILLISECOND;

/// The queues of the component.
pub(crate) const INPUT: &str = "valawai/c1/simulated/data/input";
pub(crate) const OUTPUT: &str = "valawai/c1/simulated/data/output";
pub(crate) const REGISTERED: &str = "valawai/c1/simulated/control/registered";

/// Its name.
pub(crate) const NAME: &str = "c1_simulated";

/// What a message wants to become.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Order {
    pub(crate) number: usize,
    /// How many attempts fail.
    pub(crate) failures: u32,
    pub(crate) is_refused: bool,
    pub(crate) panics: bool,
    /// How long it takes, in milliseconds.
    pub(crate) takes: u64,
}

fn handle(order: Order, context: &Context) -> Result<Order, Failure> {
    if order.takes > 0 {
        scheduler::sleep(order.takes * MILLISECOND);
    }
    assert!(!order.panics, "as ordered");
    if order.is_refused {
        return Err(Failure::refuse("it is to be refused"));
    }
    if context.message().properties.attempts < order.failures {
        return Err(Failure::retry("it is to fail"));
    }
    Ok(order)
}

/// The component, once for all worlds.
fn component() -> &'static ResolvedComponent {
    static COMPONENT: OnceLock<ResolvedComponent> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let channels = ["subscribe data/input", "publish data/output"];
        let asyncapi = valawai::internals::asyncapi::sample("c1/simulated", &channels);
        let component = Component::new("1.0.0", asyncapi).on("data/input").reply("data/output", handle);
        component.check().unwrap_or_else(|errors| panic!("{errors}"))
    })
}

/// The settings of a process.
pub(crate) fn configuration(settings: &[(&'static str, String)]) -> Configuration {
    let environment: Vec<(String, String)> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let layers = Layers::read(Arc::new(environment), Document::default());
    let configuration = layers.and_then(|layers| Configuration::new(component(), layers));
    let configuration = configuration.unwrap_or_else(|problems| panic!("{problems}"));
    configuration.start();
    configuration
}

/// Runs the component until the shutdown. Returns whether it stopped in order.
pub(crate) fn run(configuration: &Configuration, shutdown: &Shutdown) -> bool {
    let connect: Connect = Arc::new(|_, _| Ok(Box::new(session::connect()?) as Box<dyn Session>));
    App::new(component(), configuration, connect).run(shutdown).is_ok()
}
