//! Handlers, tested without a broker.

use std::ops::Deref;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Context;
use super::scope::Scope;
use super::settings::OwnSettings;
use crate::message::Message;
use crate::mov::identity::Identity;
use crate::mov::log::{self, Entry, Writer};

/// A [`Context`] for tests, which keeps what the handler logged and sent.
///
/// ```
/// use serde_json::{Value, json};
/// use valawai::{Context, Failure, Output, TestContext};
///
/// const COPIES: Output = Output::new("data/copies");
///
/// fn copy(message: Value, context: &Context) -> Result<Value, Failure> {
///     context.log().info("Copied a message", &message);
///     context.send(COPIES, &message)?;
///     Ok(message)
/// }
///
/// let context = TestContext::new(r#"{"content": "hello"}"#);
/// let reply = copy(context.message().read().unwrap(), &context).unwrap();
/// assert_eq!(reply, json!({"content": "hello"}));
/// assert_eq!(context.logged()[0].message, "Copied a message");
/// assert_eq!(context.sent(), [("data/copies", json!({"content": "hello"}))]);
/// ```
#[derive(Debug)]
pub struct TestContext {
    context: Context,
    writer: Writer,
}

impl TestContext {
    /// A context with this message, usually the JSON text of its body. See the example of [`TestContext`].
    #[must_use]
    pub fn new(message: impl Into<Message>) -> Self {
        let (log, writer) = log::open(::log::LevelFilter::Debug, Identity::default());
        let outlets = Arc::default();
        let scope =
            Scope { log, component: String::new(), version: "", outputs: None, settings: None, live: None, outlets };
        Self { context: Context::new(Arc::new(scope), message.into()), writer }
    }

    /// With these settings of the component.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use valawai::TestContext;
    /// #[derive(Deserialize)]
    /// struct Limits { highest: f64 }
    ///
    /// let context = TestContext::default().with_settings(Limits { highest: 30.0 });
    /// assert_eq!(context.settings::<Limits>().highest, 30.0);
    /// ```
    #[must_use]
    pub fn with_settings<S: DeserializeOwned + Send + Sync + 'static>(self, settings: S) -> Self {
        Self { context: self.context.with_settings(OwnSettings::fixed(settings)), writer: self.writer }
    }

    /// The entries that were logged since the last call, without those of [`Context::log_on_confirm`]. See the example of
    /// [`TestContext`].
    #[must_use]
    pub fn logged(&self) -> Vec<Entry> {
        self.writer.take_all()
    }

    /// The entries of [`Context::log_on_confirm`]. See the example of [`Context`].
    #[must_use]
    pub fn logged_on_confirm(&self) -> Vec<Entry> {
        self.context.entries_on_confirm()
    }

    /// What was sent with [`Context::send`], in order: the channels and the payloads. See the example of [`TestContext`].
    #[must_use]
    pub fn sent(&self) -> Vec<(&'static str, Value)> {
        self.payloads(|to| !is_queue_of_mov(to))
    }

    /// What was sent with [`Context::route`], in order: the names of the producers and the payloads. See the example there.
    ///
    /// # Panics
    /// Never: what was sent is JSON.
    #[must_use]
    pub fn routed(&self) -> Vec<(String, Value)> {
        self.context.with_routed(|routed| {
            let payload = |body| serde_json::from_slice(body).expect("what was sent is JSON");
            routed.iter().map(|routed| (routed.route.clone(), payload(routed.reply.body()))).collect()
        })
    }

    /// What was requested with [`Context::mov`], in order: the queues of the MOV and the payloads. See the example of [`Mov`].
    ///
    /// [`Mov`]: crate::Mov
    #[must_use]
    pub fn requested(&self) -> Vec<(&'static str, Value)> {
        self.payloads(is_queue_of_mov)
    }

    fn payloads(&self, is_selected: impl Fn(&str) -> bool) -> Vec<(&'static str, Value)> {
        self.context.with_sent(|sent| {
            let payload = |body| serde_json::from_slice(body).expect("what was sent is JSON");
            let selected = sent.iter().filter(|sent| is_selected(sent.to));
            selected.map(|sent| (sent.to, payload(sent.reply.body()))).collect()
        })
    }
}

/// Channels are given by their short names.
fn is_queue_of_mov(to: &str) -> bool {
    to.starts_with("valawai/")
}

/// A context with an empty message.
impl Default for TestContext {
    fn default() -> Self {
        Self::new(Message::default())
    }
}

impl Deref for TestContext {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}
