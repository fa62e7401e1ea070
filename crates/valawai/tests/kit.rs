//! Components of one's own, on the broker inside the process: they hear, they answer, they say something of themselves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use valawai::internals::broker::memory::{MemoryBroker, OnPublish};
use valawai::internals::broker::{Error, Session};
use valawai::internals::message::{Message, Outgoing};
use valawai::internals::process::App;
use valawai::internals::settings::Settings;
use valawai::internals::shutdown::{self, ShutdownHandle};
use valawai::{Component, Context, Failure};

use testkit::mov::LOG_QUEUE as MOV_LOG;
use testkit::wait::SOON;
use testkit::{captured, wait_until};

const CONTRACT: &str = "
channels:
  valawai/c1/own/control/registered: { subscribe: {} }
  valawai/c1/own/control/parameters: { subscribe: {} }
  valawai/c1/own/data/question: { subscribe: {} }
  valawai/c1/own/data/answer: { publish: {} }
  valawai/c1/own/data/heartbeat: { publish: {} }
";
pub(crate) const QUESTION: &str = "valawai/c1/own/data/question";
pub(crate) const ANSWER: &str = "valawai/c1/own/data/answer";
const PARAMETERS: &str = "valawai/c1/own/control/parameters";
pub(crate) const HEARTBEAT: &str = "valawai/c1/own/data/heartbeat";

/// A component at work on a broker of its own; stopped in order when dropped.
pub(crate) struct AtWork {
    pub(crate) broker: MemoryBroker,
    sessions: Arc<AtomicUsize>,
    shutdown: Option<ShutdownHandle>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    _folder: tempfile::TempDir,
}

impl AtWork {
    pub(crate) fn start(component: &Component) -> Self {
        Self::with_heartbeats(component, OnPublish::Confirm)
    }

    /// The same on a broker that keeps silent on heartbeats.
    pub(crate) fn silent(component: &Component) -> Self {
        Self::with_heartbeats(component, OnPublish::KeepSilent)
    }

    /// The same on a broker that does so with heartbeats.
    pub(crate) fn with_heartbeats(component: &Component, on_publish: OnPublish) -> Self {
        captured::start();
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::read(&[("LOG_DIR", folder.path().to_str().unwrap())]).unwrap();
        let broker = MemoryBroker::default();
        with_link(&broker, |link| [ANSWER, HEARTBEAT, MOV_LOG].iter().for_each(|queue| link.declare(queue).unwrap()));
        broker.on_publish(HEARTBEAT, on_publish);
        let sessions = Arc::new(AtomicUsize::new(0));
        let (connecting, counted) = (broker.clone(), Arc::clone(&sessions));
        let connect = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(connecting.connect()?) as Box<dyn Session>)
        });
        let app = App::new(&component.check().unwrap(), &settings, connect);
        let (handle, shutdown) = shutdown::channel();
        let thread = std::thread::spawn(move || app.run(&shutdown));
        Self { broker, sessions, shutdown: Some(handle), thread: Some(thread), _folder: folder }
    }

    /// How many sessions it has begun.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    /// Calls it to stop, and does not wait.
    pub(crate) fn call_to_stop(&mut self) {
        drop(self.shutdown.take());
    }

    /// Waits for its end, and tells how long that took.
    pub(crate) fn wait_end(&mut self) -> Duration {
        let began = Instant::now();
        wait_until("it to stop", SOON, || self.thread.as_ref().is_none_or(JoinHandle::is_finished));
        began.elapsed()
    }

    /// What it has sent to the MOV's log so far: the levels and the messages.
    pub(crate) fn mov_log(&self) -> Vec<(String, String)> {
        let (found, entries) = mpsc::channel();
        with_link(&self.broker, move |link| {
            let mut look = |message: &Message| {
                let entry: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
                let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
                found.send((text("level"), text("message"))).unwrap();
                false
            };
            link.browse(MOV_LOG, &mut look).unwrap();
        });
        entries.iter().collect()
    }

    pub(crate) fn say(&self, queue: &'static str, body: &'static str) {
        wait_until("the queue", SOON, || self.broker.depth(queue).is_some());
        with_link(&self.broker, move |link| {
            link.publish(&Outgoing::new(queue, body.into())).unwrap();
        });
    }

    pub(crate) fn wait_for(&self, queue: &str, count: usize) {
        let what = format!("{count} messages on {queue}");
        wait_until(&what, SOON, || self.broker.depth(queue).is_some_and(|depth| depth >= count));
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(Ok(())))), "it did not stop in order");
    }
}

pub(crate) fn with_link(
    broker: &MemoryBroker,
    job: impl FnOnce(&mut dyn valawai::internals::broker::Link) + Send + 'static,
) {
    let (done, is_done) = mpsc::channel();
    let mut session = broker.connect().unwrap();
    session
        .spawn(
            "test",
            valawai::internals::broker::ConsumeOn::Shared,
            Box::new(move |link| {
                job(link.unwrap());
                done.send(()).unwrap();
            }),
        )
        .unwrap();
    is_done.recv_timeout(SOON).expect("the job did not end well");
}

fn answer(question: Value, _: &Context) -> Result<Value, Failure> {
    Ok(question)
}

fn nothing(_: &Context) -> Result<Option<Value>, Failure> {
    Ok(None)
}

pub(crate) fn component(on_parameters: impl Fn() + Send + Sync + 'static) -> Component {
    let tune = move |_: Value, _: &Context| {
        on_parameters();
        Ok(())
    };
    Component::new("1.0.0", CONTRACT)
        .on("data/question")
        .reply("data/answer", answer)
        .on("control/parameters")
        .consume(tune)
}

#[test]
fn a_control_channel_is_heard_while_the_work_on_data_is_slow() {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (tuned, is_tuned) = crossbeam_channel::unbounded();
    let slow = move |question, context: &Context| {
        let _ = released.recv();
        answer(question, context)
    };
    let component = Component::new("1.0.0", CONTRACT)
        .on("data/question")
        .reply("data/answer", slow)
        .on("control/parameters")
        .consume(move |_: Value, _| tuned.send(()).map_err(Failure::refuse))
        .every(Duration::from_secs(60))
        .publish("data/heartbeat", nothing);
    let own = AtWork::start(&component);
    own.say(QUESTION, r#"{"text": "slow"}"#);
    own.say(PARAMETERS, "{}");
    is_tuned.recv_timeout(SOON).expect("the control message waited for the slow one");
    assert_eq!(own.broker.depth(ANSWER), Some(0));
    drop(release);
    own.wait_for(ANSWER, 1);
}

#[test]
fn a_source_says_something_again_and_again_also_after_an_outage() {
    let said = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&said);
    let beat = move |_: &Context| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        Ok(Some(json!({ "beat": number })))
    };
    let component = component(|| ()).every(Duration::from_millis(20)).publish("data/heartbeat", beat);
    let own = AtWork::start(&component);
    own.wait_for(HEARTBEAT, 3);
    own.broker.lose_all_sessions();
    let before = own.broker.depth(HEARTBEAT).unwrap();
    own.wait_for(HEARTBEAT, before + 3);
    own.say(QUESTION, r#"{"text": "still there?"}"#);
    own.wait_for(ANSWER, 1);
}
