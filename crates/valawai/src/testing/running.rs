//! A component that runs on the in-memory broker.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::Value;

use super::LogEntry;
use super::mov::TestMov;
use crate::broker::memory::MemoryBroker;
use crate::broker::{Error, Session};
use crate::component::input::Consumed as _;
use crate::component::{Component, ResolvedComponent};
use crate::configuration::Configuration;
use crate::message::Message;
use crate::mov::log::QUEUE as MOV_LOG;
use crate::mov::payloads;
use crate::operations::configure::Configure as _;
use crate::process::App;
use crate::settings::{Document, Layers};
use crate::shutdown::{self, ShutdownHandle};

/// How long to wait for what a test expects.
const LIMIT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A component that runs on a broker inside the process. Dropping it stops the component. See [`run`](super::run).
///
/// Channels are given by their short names, as in `data/received_message`. Methods that wait panic after ten seconds.
///
/// ```
/// # use serde_json::{Value, json};
/// # use valawai::{Component, testing};
/// # let channels = ["subscribe data/text", "publish data/echo"];
/// # let asyncapi = valawai::internals::asyncapi::sample("c1/echo", &channels);
/// # let component = Component::new("1.0.0", asyncapi).on("data/text").reply("data/echo", |text: Value, _| Ok(text));
/// let running = testing::run(&component);
/// assert_eq!(running.wait_registered()["name"], "c1_echo");
///
/// running.publish_raw("data/text", "not JSON");
/// running.wait_until_acknowledged("data/text");
/// assert_eq!(running.dead_letters("data/text"), ["not JSON"]);
/// assert_eq!(running.wait_for_log("it is not JSON").level, "ERROR");
/// assert_eq!(running.log().len(), 1);
///
/// // The reply is rejected, the connection breaks, and nothing is lost.
/// running.reject("data/echo", true);
/// running.publish("data/text", &json!({ "number": 1 }));
/// running.disconnect();
/// running.reject("data/echo", false);
/// assert_eq!(running.receive("data/echo"), json!({ "number": 1 }));
/// assert_eq!(running.published("data/echo").len(), 1);
/// assert!(running.requested().is_empty()); // nothing of the MOV
/// ```
pub struct Running {
    pub(super) component: ResolvedComponent,
    configuration: Configuration,
    pub(super) broker: MemoryBroker,
    mov: TestMov,
    /// How many messages of each channel were received.
    pub(super) received: Mutex<HashMap<String, usize>>,
    shutdown: Option<ShutdownHandle>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _folder: tempfile::TempDir,
}

impl Running {
    pub(super) fn start(component: &Component, settings: &[(&'static str, &str)]) -> Self {
        let component = component.check().unwrap_or_else(|errors| panic!("{errors}"));
        let folder = tempfile::tempdir().expect("make a temporary folder");
        let log_dir = folder.path().to_str().expect("a path that is UTF-8");
        let all = settings.iter().copied().chain([("LOG_DIR", log_dir)]);
        let environment: Vec<(String, String)> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let layers = Layers::read(Arc::new(environment), Document::default());
        let configuration = layers.and_then(|layers| Configuration::new(&component, layers));
        let configuration = configuration.unwrap_or_else(|problems| panic!("{problems}"));
        configuration.start();
        let broker = MemoryBroker::default();
        let of_mov = [MOV_LOG, payloads::TOPOLOGY_CREATE, payloads::TOPOLOGY_CHANGE, payloads::NOTIFICATION_CHANGE];
        component.output_queues().chain(of_mov).for_each(|queue| broker.declare(queue));
        let mov = TestMov::start(&broker);
        let target = broker.clone();
        let connect = Arc::new(move |_: &_, _| Ok(Box::new(target.connect()?) as Box<dyn Session>));
        let app = App::new(&component, &configuration, connect);
        let (handle, shutdown) = shutdown::channel();
        let thread = thread::spawn(move || app.run(&shutdown));
        let running = Self {
            component,
            configuration,
            broker,
            mov,
            received: Mutex::default(),
            shutdown: Some(handle),
            thread: Some(thread),
            _folder: folder,
        };
        running.wait_for("the component to consume", || running.is_consuming().then_some(()));
        running
    }

    /// Changes settings while the component runs, as `control set` does. Those of the component have changed when this returns.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use serde_json::{Value, json};
    /// # use valawai::{Component, testing};
    /// # let asyncapi = valawai::internals::asyncapi::sample("c1/alarm", &["subscribe data/celsius", "publish data/alarm"]);
    /// #[derive(Deserialize)]
    /// struct Limits { highest: f64 }
    ///
    /// let component = Component::new("1.0.0", asyncapi).settings::<Limits>().on("data/celsius").reply(
    ///     "data/alarm",
    ///     |celsius: Value, context| {
    ///         let is_hot = celsius["value"].as_f64() > Some(context.settings::<Limits>().highest);
    ///         Ok(json!({ "is_hot": is_hot }))
    ///     },
    /// );
    /// let running = testing::run_with(&component, &[("HIGHEST", "20")]);
    /// running.publish("data/celsius", &json!({ "value": 21 }));
    /// assert_eq!(running.receive("data/alarm"), json!({ "is_hot": true }));
    /// running.change_settings(&[("HIGHEST", "25")]);
    /// running.publish("data/celsius", &json!({ "value": 21 }));
    /// assert_eq!(running.receive("data/alarm"), json!({ "is_hot": false }));
    /// ```
    ///
    /// # Panics
    /// If one of them is unknown, invalid, or cannot change while a component runs.
    pub fn change_settings(&self, settings: &[(&str, &str)]) {
        let changes = settings.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        if let Err(reason) = self.configuration.order(&changes) {
            panic!("the settings cannot change: {reason}");
        }
    }

    /// Waits for an entry in the MOV's log that contains `text`. See the example of [`Running`].
    ///
    /// # Panics
    /// If there is none within ten seconds.
    #[must_use]
    pub fn wait_for_log(&self, text: &str) -> LogEntry {
        self.wait_for(&format!("`{text}` in the MOV's log"), || {
            self.log().into_iter().find(|entry| entry.message.contains(text))
        })
    }

    /// The entries that the component has written to the MOV's log. See the example of [`Running`].
    ///
    /// # Panics
    /// If it wrote something else.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        let entry = |value| serde_json::from_value(value).expect("an entry of the log");
        self.messages(MOV_LOG).into_iter().map(entry).collect()
    }

    /// What the component has requested of the MOV, by [`Context::mov`](crate::Context::mov): the queues and the payloads, in
    /// order for each queue. See the example of [`Component::on_sent`](crate::Component::on_sent).
    #[must_use]
    pub fn requested(&self) -> Vec<(&'static str, Value)> {
        let queues = [payloads::TOPOLOGY_CREATE, payloads::TOPOLOGY_CHANGE, payloads::NOTIFICATION_CHANGE];
        queues.into_iter().flat_map(|queue| self.messages(queue).into_iter().map(move |body| (queue, body))).collect()
    }

    /// Waits until the component is registered, and returns the MOV's notice. See the example of [`Running`].
    ///
    /// # Panics
    /// If that takes longer than ten seconds.
    #[must_use]
    pub fn wait_registered(&self) -> Value {
        self.wait_for("the registration", || self.mov.registered().pop())
    }

    /// Breaks the connections of the component, as a restart of the broker does. See the example of [`Running`].
    pub fn disconnect(&self) {
        self.broker.lose_all_sessions();
        self.mov.reconnect(&self.broker);
    }

    fn is_consuming(&self) -> bool {
        self.component.routes.iter().all(|route| self.broker.consumers(route.input.queue()) > 0)
    }

    pub(super) fn messages(&self, queue: &str) -> Vec<Value> {
        let json = |message: Message| {
            serde_json::from_slice(&message.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&message.body).into_owned().into())
        };
        self.broker.messages(queue).into_iter().map(json).collect()
    }

    pub(super) fn wait_for<T>(&self, what: &str, check: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(found) = check() {
                return found;
            }
            let is_running = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
            assert!(is_running, "the component ended while the test waited for {what}");
            assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}; the log of the MOV: {:#?}", self.log());
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            let result = thread.join();
            if !thread::panicking() {
                assert!(matches!(result, Ok(Ok(()))), "the component did not stop in order: {result:?}");
            }
        }
    }
}
