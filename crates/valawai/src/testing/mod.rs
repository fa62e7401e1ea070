//! Whole components, tested without a broker.
//!
//! [`run`] runs a component as `main` does, on a broker inside the process that confirms, redelivers and delays messages as
//! RabbitMQ does, with a Master Of VALAWAI (MOV) that registers it. [`TestContext`](crate::TestContext) is for a handler alone.

mod channels;
mod mov;
mod running;

pub use running::Running;

use serde::Deserialize;

use crate::component::Component;

/// Runs `component` until the result is dropped.
///
/// ```
/// use serde_json::{Value, json};
/// use valawai::{Component, Context, Failure, testing};
/// # let channels = ["subscribe data/received_message", "publish data/publish_message"];
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &channels);
///
/// fn echo(message: Value, _: &Context) -> Result<Value, Failure> {
///     Ok(message)
/// }
///
/// let component = Component::new("1.0.0", asyncapi).on("data/received_message").reply("data/publish_message", echo);
/// let running = testing::run(&component);
/// running.publish("data/received_message", &json!({"content": "hello"}));
/// assert_eq!(running.receive("data/publish_message"), json!({"content": "hello"}));
/// ```
///
/// # Panics
/// If the component does not match its `asyncapi.yaml`.
#[must_use]
pub fn run(component: &Component) -> Running {
    run_with(component, &[])
}

/// Runs `component` with these settings, as in `("RETRY_TTL", "10")` for retries after 10 ms.
///
/// ```
/// # use serde_json::{Value, json};
/// # use valawai::{Component, Failure, testing};
/// # let channels = ["subscribe data/text", "publish data/echo"];
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &channels);
/// let component = Component::new("1.0.0", asyncapi).on("data/text").reply("data/echo", |message: Value, context| {
///     match context.message().properties.attempts {
///         0 => Err(Failure::retry("the first attempt always fails")),
///         _ => Ok(message),
///     }
/// });
/// let running = testing::run_with(&component, &[("RETRY_TTL", "10")]);
/// running.publish("data/text", &json!({ "content": "hello" }));
/// assert_eq!(running.receive("data/echo"), json!({ "content": "hello" }));
/// ```
///
/// # Panics
/// If the component does not match its `asyncapi.yaml`, or a setting is invalid.
#[must_use]
pub fn run_with(component: &Component, settings: &[(&'static str, &str)]) -> Running {
    Running::start(component, settings)
}

/// An entry that the component wrote to the MOV's log. See the example of [`Running`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogEntry {
    /// `ERROR`, `WARN`, `INFO` or `DEBUG`.
    pub level: String,
    /// What happened.
    pub message: String,
    /// What it happened to, as JSON.
    #[serde(default)]
    pub payload: Option<String>,
}
