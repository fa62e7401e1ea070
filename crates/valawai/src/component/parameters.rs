//! `control/parameters`: the author's parameters, and settings.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::channel_builder::ChannelOptions;
use super::handler::{self, Handler};
use super::{Component, Consumed, Context};
use crate::failure::Failure;

/// The channel of parameters.
pub(crate) const PARAMETERS: &str = "control/parameters";

impl Component {
    /// Passes new parameters, the messages on `control/parameters`, to `handler`. It keeps what it wants of valid ones.
    ///
    /// Parameters that are settings, of the kit or of the [component](Self::settings), change when the handler has accepted the
    /// message: here and in all other processes of the component, until they end. Without a handler, all parameters are settings,
    /// by their names or paths, as in `{"log_file_level": "DEBUG"}`; null undoes such a change.
    ///
    /// Invalid parameters are reported as an error in the MOV's log, once, and nothing else happens: the handler keeps the last
    /// valid ones. Parameters are never retried, because newer ones may have arrived meanwhile.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use serde::Deserialize;
    /// use valawai::{Component, Failure};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &["subscribe control/parameters"]);
    ///
    /// #[derive(Deserialize, Clone, Default)]
    /// struct Limits { highest: f64 }
    ///
    /// let limits = Arc::new(Mutex::new(Limits::default()));
    /// let current = Arc::clone(&limits);
    /// let component = Component::new("1.0.0", asyncapi).parameters(move |new: Limits, _| {
    ///     if new.highest < 0.0 {
    ///         return Err(Failure::refuse("`highest` is negative"));
    ///     }
    ///     *current.lock().unwrap() = new;
    ///     Ok(())
    /// });
    /// let running = valawai::testing::run(&component);
    /// running.publish("control/parameters", &serde_json::json!({ "highest": 30 }));
    /// running.wait_until_acknowledged("control/parameters");
    /// assert_eq!(limits.lock().unwrap().highest, 30.0);
    /// ```
    #[must_use]
    pub fn parameters<P: DeserializeOwned>(
        self,
        handler: impl Fn(P, &Context) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        self.on(PARAMETERS).retries(0).declare(None, with_settings(handler::consuming(handler)))
    }
}

/// The parameters of a component whose author declares none: all of them are settings.
pub(super) fn of_kit() -> Consumed {
    let handler: Handler = Arc::new(|context| {
        let (settings, others) = settings_in(context)?;
        match others.first() {
            Some(other) => report(context, &format!("`{other:.100}` is no setting of this component")),
            None => change(context, &settings),
        }
        Ok(None)
    });
    let options = ChannelOptions { retries: Some(0), ..ChannelOptions::default() };
    Consumed { channel: PARAMETERS.to_owned(), reply_to: None, handler, options }
}

/// Changes the settings among the parameters that `handler` has accepted.
fn with_settings(handler: Handler) -> Handler {
    Arc::new(move |context| {
        let reply = handler(context)?;
        let (settings, _) = settings_in(context)?;
        change(context, &settings);
        Ok(reply)
    })
}

fn change(context: &Context, settings: &Map<String, Value>) {
    if let Some(live) = context.live_settings().filter(|_| !settings.is_empty())
        && let Err(reason) = live.order(settings)
    {
        report(context, &reason);
    }
}

/// Reports why nothing was changed. That is not a failure of the message, whose log entry would contain the message: its values may
/// be secrets.
fn report(context: &Context, reason: &str) {
    context.log().error(format!("Cannot process parameters, because {reason}"), &());
}

/// The settings in the message, by their paths, and the paths of what else it contains.
fn settings_in(context: &Context) -> Result<(Map<String, Value>, Vec<String>), Failure> {
    let (mut settings, mut others) = (Map::new(), Vec::new());
    let is_setting = |path: &str| context.live_settings().is_some_and(|live| live.is_setting(path));
    let mut unknown: Vec<(String, Value)> = context.message().read::<Map<String, Value>>()?.into_iter().collect();
    while let Some((path, value)) = unknown.pop() {
        match value {
            value if is_setting(&path) => drop(settings.insert(path, value)),
            Value::Object(branch) if !branch.is_empty() => {
                unknown.extend(branch.into_iter().map(|(key, value)| (format!("{path}/{key}"), value)));
            }
            _ => others.push(path),
        }
    }
    Ok((settings, others))
}
