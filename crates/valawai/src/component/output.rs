//! Channels on which handlers publish beside their reply.

/// A channel on which handlers publish with [`Context::send`](crate::Context::send).
///
/// It is declared once, as a constant, so that a misspelled name is found by
/// [`Component::check`](crate::Component::check), and not by the first message.
///
/// ```no_run
/// use valawai::{Context, Failure, Output};
///
/// const ALERTS: Output = Output::new("data/alerts");
///
/// fn watch(temperature: serde_json::Value, context: &Context) -> Result<(), Failure> {
///     context.send(ALERTS, &temperature)
/// }
///
/// # const ASYNCAPI: &str = "";
/// let component = valawai::Component::new("1.0.0", ASYNCAPI).sends(ALERTS).on("data/temperature").consume(watch);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Output(&'static str);

impl Output {
    /// The output on `channel`, as in `data/alerts`.
    #[must_use]
    pub const fn new(channel: &'static str) -> Self {
        Self(channel)
    }

    /// The channel, as in `data/alerts`.
    #[must_use]
    pub fn channel(self) -> &'static str {
        self.0
    }
}
