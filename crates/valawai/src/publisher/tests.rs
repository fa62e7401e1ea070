//! The periodic publisher on the in-memory broker.

use serde_json::{Value, json};

use super::*;
use crate::asyncapi::sample;
use crate::broker::Session;
use crate::broker::memory::{MemoryBroker, OnPublish};
use crate::component::{Component, Context};
use crate::failure::Failure;
use crate::mov::identity::Identity;
use crate::mov::log;
use crate::shutdown::{self, ShutdownHandle};
use crate::trace::Trace;

const HEARTBEAT: &str = "valawai/c1/own/data/heartbeat";

fn beat(_: &Context) -> Result<Option<Value>, Failure> {
    Ok(Some(json!({})))
}

/// A publisher whose source runs until the handle is dropped.
fn publisher(confirm_limit: Duration) -> (SourcePublisher, ShutdownHandle) {
    let contract = sample("c1/own", &["publish data/heartbeat"]);
    let component = Component::new("1.0.0", contract).every(Duration::from_secs(3600)).publish("data/heartbeat", beat);
    publisher_of(component, confirm_limit)
}

#[expect(clippy::needless_pass_by_value, reason = "a component is made for it")]
fn publisher_of(component: Component, confirm_limit: Duration) -> (SourcePublisher, ShutdownHandle) {
    let resolved = component.check().unwrap();
    let (log, _) = log::open(::log::LevelFilter::Info, Identity::default());
    let source = resolved.sources[0].clone();
    let publisher = SourcePublisher::new(source, resolved.scope(log), Arc::default(), RegistrarRole::default());
    let publisher = SourcePublisher { confirm_limit, ..publisher };
    let (handle, shutdown) = shutdown::channel();
    publisher.start_source(&shutdown).unwrap();
    (publisher, handle)
}

/// Runs `publisher` in a session, and returns its result, if it ended by itself.
fn run(broker: &MemoryBroker, publisher: &SourcePublisher) -> Option<Result<(), Error>> {
    let (handle, shutdown) = shutdown::channel();
    let (sender, result) = crossbeam_channel::bounded(1);
    let publisher = publisher.clone();
    let mut session = broker.connect().unwrap();
    let job = move |link: Result<&mut dyn Link, Error>| sender.send(publisher.run(link.unwrap(), &shutdown)).unwrap();
    session.spawn("publisher", crate::broker::ConsumeOn::Shared, Box::new(job)).unwrap();
    let result = result.recv_timeout(Duration::from_secs(5)).ok();
    drop(handle);
    result
}

#[test]
fn a_source_and_a_period_publish_in_the_traces_that_they_begin() {
    let contract = || sample("c1/own", &["publish data/heartbeat"]);
    let source = Component::new("1.0.0", contract()).source("data/heartbeat", |publisher, _| {
        publisher.publish_in(&Trace::begin(true), &json!({}))?;
        publisher.publish(&json!({}))
    });
    let period =
        Component::new("1.0.0", contract()).every(Duration::from_secs(3600)).publish("data/heartbeat", |context| {
            context.begin_trace(false);
            Ok(Some(json!({})))
        });
    for (component, expected) in [(source, vec![Some(true), None]), (period, vec![Some(false)])] {
        let (broker, (publisher, _source)) = (MemoryBroker::default(), publisher_of(component, Duration::from_secs(4)));
        broker.declare(HEARTBEAT);
        assert!(run(&broker, &publisher).is_none(), "the session ended");
        let messages = broker.messages(HEARTBEAT);
        let sampled: Vec<_> =
            messages.iter().map(|it| it.properties.trace.as_ref().map(|trace| trace.is_sampled())).collect();
        assert_eq!(sampled, expected);
    }
}

#[test]
fn a_message_that_is_never_accepted_ends_the_session_and_is_published_in_the_next_one() {
    for on_publish in [OnPublish::Withhold, OnPublish::Nack] {
        let (broker, (publisher, _source)) = (MemoryBroker::default(), publisher(Duration::from_millis(300)));
        broker.on_publish(HEARTBEAT, on_publish);
        let result = run(&broker, &publisher);
        assert!(matches!(result, Some(Err(Error::ReopenRequired { .. }))), "{on_publish:?}: {result:?}");
        assert_eq!(publisher.outbox.count(), 1, "{on_publish:?}: the message is gone");
        assert!(!publisher.status.is_stalled(), "{on_publish:?}: it counts as nacked after its session");
        broker.on_publish(HEARTBEAT, OnPublish::Confirm);
        assert!(run(&broker, &publisher).is_none(), "{on_publish:?}: the next session ended too");
        assert_eq!(publisher.outbox.count(), 0, "{on_publish:?}: the message was not published again");
    }
}

#[test]
fn a_message_that_is_not_accepted_shows_in_the_status() {
    let (broker, (publisher, _source)) = (MemoryBroker::default(), publisher(Duration::from_secs(4)));
    broker.on_publish(HEARTBEAT, OnPublish::Withhold);
    let was_stalled = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&broker, &publisher));
        let mut was_stalled = false;
        while !running.is_finished() && !was_stalled {
            was_stalled = publisher.status.is_stalled();
            std::thread::yield_now();
        }
        broker.on_publish(HEARTBEAT, OnPublish::Confirm);
        was_stalled
    });
    assert!(was_stalled, "a message waits for its confirm, and the status does not say so");
}
