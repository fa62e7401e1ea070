//! Channels on which handlers publish beside their reply.

/// A channel on which handlers publish with [`Context::send`](crate::Context::send).
///
/// It is declared once, as a constant, so that a misspelled name is found by
/// [`Component::check`](crate::Component::check), and not by the first message.
///
/// ```
/// use serde_json::{Value, json};
/// use valawai::{Component, Context, Failure, Output, testing};
///
/// const ALERTS: Output = Output::new("data/alerts");
///
/// fn watch(temperature: Value, context: &Context) -> Result<(), Failure> {
///     context.send(ALERTS, &temperature)
/// }
///
/// # let channels = ["subscribe data/temperature", "publish data/alerts"];
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/watch", &channels);
/// let component = Component::new("1.0.0", asyncapi).sends(ALERTS).on("data/temperature").consume(watch);
/// let running = testing::run(&component);
/// running.publish("data/temperature", &json!({ "celsius": 40 }));
/// assert_eq!(running.receive(ALERTS.channel()), json!({ "celsius": 40 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Output(&'static str);

impl Output {
    /// The output on `channel`, as in `data/alerts`. See the example of [`Output`].
    #[must_use]
    pub const fn new(channel: &'static str) -> Self {
        Self(channel)
    }

    /// The channel, as in `data/alerts`. See the example of [`Output`].
    #[must_use]
    pub fn channel(self) -> &'static str {
        self.0
    }
}
