//! Components that run on the in-memory broker.

use std::time::Duration;

use serde_json::Value;

use valawai::internals::asyncapi::sample;
use valawai::internals::broker::memory::{MemoryBroker, OnPublish};
use valawai::internals::message::{Message, Outgoing};
use valawai::{Component, Context, Failure};

use crate::contract::with_link;
use crate::running_app::RunningApp;
use testkit::mov::LOG_QUEUE as MOV_LOG;
use testkit::wait::SOON;
use testkit::wait_until;

pub(crate) const PARAMETERS: &str = "valawai/c1/own/control/parameters";
pub(crate) const QUESTION: &str = "valawai/c1/own/data/question";
pub(crate) const ANSWER: &str = "valawai/c1/own/data/answer";
pub(crate) const HEARTBEAT: &str = "valawai/c1/own/data/heartbeat";

/// The contract of most components here.
pub(crate) fn contract() -> &'static str {
    let consumed = ["subscribe control/parameters", "subscribe data/question"];
    let published = ["publish data/answer", "publish data/heartbeat"];
    sample("c1/own", &[consumed, published].concat())
}

/// A component of [`contract`] without heartbeats: it replies to each question with the question, and ignores parameters.
pub(crate) fn component() -> Component {
    component_of(contract())
}

/// The same with another contract.
pub(crate) fn component_of(contract: &'static str) -> Component {
    let ignore = |_: Value, _: &Context| Ok(());
    Component::new("1.0.0", contract)
        .on("data/question")
        .reply("data/answer", answer)
        .on("control/parameters")
        .consume(ignore)
}

pub(crate) fn answer(question: Value, _: &Context) -> Result<Value, Failure> {
    Ok(question)
}

/// A component that runs on a broker of its own, on which the queues of its outputs exist.
pub(crate) struct RunningComponent {
    pub(crate) broker: MemoryBroker,
    app: RunningApp,
}

impl RunningComponent {
    pub(crate) fn start(component: &Component) -> Self {
        Self::start_with(component, OnPublish::Confirm)
    }

    /// Starts `component` on a broker that handles heartbeats in this way.
    pub(crate) fn start_with(component: &Component, on_heartbeat: OnPublish) -> Self {
        Self::start_on(component, HEARTBEAT, on_heartbeat)
    }

    /// The same with another queue in place of the heartbeats'.
    pub(crate) fn start_on(component: &Component, periodic_queue: &'static str, on_publish: OnPublish) -> Self {
        let broker = MemoryBroker::default();
        let outputs = [ANSWER, periodic_queue, MOV_LOG];
        with_link(&broker, move |link| outputs.iter().for_each(|queue| link.declare(queue).unwrap()));
        broker.on_publish(periodic_queue, on_publish);
        Self::start_replica(component, broker)
    }

    /// Starts another process of a component on the same broker.
    pub(crate) fn start_replica(component: &Component, broker: MemoryBroker) -> Self {
        Self { app: RunningApp::in_memory(component, broker.clone()), broker }
    }

    /// The number of sessions that it has opened.
    pub(crate) fn sessions(&self) -> usize {
        self.app.sessions()
    }

    /// Requests a shutdown, and does not wait for it.
    pub(crate) fn request_shutdown(&mut self) {
        self.app.request_shutdown();
    }

    /// Waits until it has stopped, and returns how long that took.
    pub(crate) fn wait_for_exit(&mut self) -> Duration {
        self.app.wait_for_exit()
    }

    pub(crate) fn publish(&self, queue: &'static str, body: &'static str) {
        wait_until("the queue", SOON, || self.broker.depth(queue).is_some());
        with_link(&self.broker, move |link| {
            link.publish(&Outgoing::new(queue, body.into())).unwrap();
        });
    }

    /// Waits until `queue` has at least `count` messages.
    pub(crate) fn wait_for(&self, queue: &str, count: usize) {
        let what = format!("{count} messages on {queue}");
        wait_until(&what, SOON, || self.broker.depth(queue).is_some_and(|depth| depth >= count));
    }

    pub(crate) fn assert_answers(&self) {
        let before = self.broker.depth(ANSWER).unwrap();
        self.publish(QUESTION, r#"{"text": "are you there?"}"#);
        self.wait_for(ANSWER, before + 1);
    }

    /// The log entries that it has sent to the MOV: their levels and messages.
    pub(crate) fn mov_log(&self) -> Vec<(String, String)> {
        with_link(&self.broker, |link| {
            let mut entries = Vec::new();
            let mut collect = |message: &Message| {
                let entry: Value = serde_json::from_slice(&message.body).unwrap();
                let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                entries.push((field("level"), field("message")));
                false
            };
            link.browse(MOV_LOG, &mut collect).unwrap();
            entries
        })
    }

    /// Waits until the MOV's log has an entry of `level` that contains `text`.
    #[track_caller]
    pub(crate) fn wait_for_entry(&self, level: &str, text: &str) {
        wait_until(&format!("`{level} {text}` in the MOV's log"), SOON, || {
            self.mov_log().iter().any(|(entry_level, message)| entry_level == level && message.contains(text))
        });
    }
}
