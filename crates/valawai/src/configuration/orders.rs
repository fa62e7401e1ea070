//! Changes of settings that come by message: from operators, and on `control/parameters`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{BY_ORDER, Configuration};
use crate::operations::configure::Configure;
use crate::settings::table::{self, Effect};
use crate::settings::{Document, name_of};
use crate::store::Store;

/// The most settings that can be changed by message.
const MAX_ORDERS: usize = 1000;

/// The longest value, in bytes.
const MAX_VALUE: usize = 64 * 1024;

impl Configure for Configuration {
    fn reload(&self) -> Result<String, String> {
        let mut changed = self.read_files();
        if let Some(options) = self.store_options() {
            let name = options.name();
            let values = Store::new(options).load().map_err(|error| error.to_string())?;
            changed.extend(self.set_store(name, &values));
        }
        Ok(summary(&changed))
    }

    fn order(&self, changes: &Map<String, Value>) -> Result<String, String> {
        for (path, value) in changes {
            self.check_order(path, value)?;
        }
        let mut state = self.shared.state.lock();
        let mut orders = state.orders.clone();
        for (path, value) in changes {
            orders.retain(|other, _| name_of(other) != name_of(path));
            if !value.is_null() {
                orders.insert(path.clone(), value.clone());
            }
        }
        if orders.len() > MAX_ORDERS {
            return Err(format!("more than {MAX_ORDERS} settings would be changed by message"));
        }
        let layers = state.layers.clone().with_orders(Document::new(BY_ORDER, &orders));
        let reading = self.read(&state, layers);
        let is_about = |problem: &String| changes.keys().any(|path| is_about(problem, &name_of(path)));
        let problems = reading.problems.iter().map(|problem| &problem.text);
        let invalid: Vec<&str> = match &reading.settings {
            Some(_) => problems.filter(|problem| is_about(problem)).map(String::as_str).collect(),
            None => problems.map(String::as_str).collect(),
        };
        if !invalid.is_empty() {
            return Err(invalid.join("; "));
        }
        state.orders = orders;
        Ok(summary(&self.take_over(&mut state, reading, Vec::new())))
    }

    fn is_setting(&self, path: &str) -> bool {
        let name = name_of(path);
        self.shared.names.all(self.shared.own.as_ref()).any(|known| known == name)
    }
}

impl Configuration {
    /// Whoever may write to the exchange of operators must not be able to send the password of the component elsewhere.
    fn check_order(&self, path: &str, value: &Value) -> Result<(), String> {
        let name = name_of(path);
        if !self.is_setting(path) {
            return Err(format!("`{path:.100}` is no setting of this component"));
        }
        match table::effect(&name) {
            Effect::Reconnects => Err(moves_login(&name)),
            // A route to another broker uses the component's login unless it has one.
            _ if name == "QUEUE_CONFIG" => Err(moves_login(&name)),
            Effect::AtStart | Effect::BeforeTheStore => {
                Err(format!("{name} cannot be changed while the component runs"))
            }
            _ if value.to_string().len() > MAX_VALUE => {
                Err(format!("the value of {name} is longer than {MAX_VALUE} bytes"))
            }
            Effect::AtOnce | Effect::RestartsConsumers => Ok(()),
        }
    }

    /// How to reach the store, if there is one.
    pub(super) fn store_options(&self) -> Option<crate::store::Options> {
        let settings = self.settings();
        Some(settings.store.clone()?.for_component(&self.shared.component))
    }

    /// How long a start waits for the store.
    pub(super) fn store_timeout(&self) -> Duration {
        self.settings().store.as_ref().map_or(Duration::ZERO, |store| store.timeout)
    }
}

fn is_about(problem: &str, name: &str) -> bool {
    problem.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'))
}

fn moves_login(name: &str) -> String {
    format!("{name} cannot be changed by message, because that could send the component's login elsewhere")
}

fn summary(changed: &[String]) -> String {
    if changed.is_empty() { "nothing has changed".to_owned() } else { changed.join("; ") }
}
