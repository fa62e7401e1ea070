//! What a change of the configuration starts, keeps and stops, on the in-memory broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::wait_until;

use super::*;
use crate::asyncapi::sample;
use crate::broker::Session;
use crate::broker::memory::{MemoryBroker, OnPublish};
use crate::component::Component;
use crate::component::outlet::Outlets;
use crate::message::Message;
use crate::mov::identity::Identity;
use crate::routes;
use crate::settings::Settings;

const SOON: Duration = Duration::from_secs(10);

/// Settings with these routes and the defaults of everything else.
fn routes(routes: &Value) -> Settings {
    let routes = routes::parse(&routes.to_string(), None).unwrap_or_else(|problems| panic!("{problems:?}"));
    Settings { routes, ..Settings::read(&[]).unwrap() }
}

fn consumer(name: &str) -> Value {
    json!({"name": name, "type": "consumer", "queue": name})
}

fn store(name: &str) -> Value {
    json!({"name": name, "type": "producer", "queue": name, "of": ["received"]})
}

fn running(broker: &MemoryBroker) -> (RunningRoutes, Arc<Outlets>) {
    let contract = sample("c1/echo", &["subscribe data/input", "publish data/output"]);
    let component = Component::new("1.0.0", contract).on("data/input").reply("data/output", |it: Value, _| Ok(it));
    let parts = ConsumerParts {
        component: component.check().unwrap(),
        settings: Settings::read(&[]).unwrap(),
        log: crate::mov::log::open(::log::LevelFilter::Info, Identity::default()).0,
        status: Arc::default(),
        operations: crate::operations::Operations::default(),
        outlets: Arc::default(),
        tuning: Arc::default(),
        live: None,
    };
    broker.declare("valawai/c1/echo/data/output");
    let (target, outlets) = (broker.clone(), Arc::clone(&parts.outlets));
    let connect = Arc::new(move |_: &_, _| Ok(Box::new(target.connect()?) as Box<dyn Session>));
    (RunningRoutes::new(parts, connect), outlets)
}

fn publish(broker: &MemoryBroker, queue: &str, number: u64) {
    broker.add(queue, Message::from(&*json!({"number": number}).to_string()));
}

fn numbers(broker: &MemoryBroker, queue: &str) -> Vec<u64> {
    let number = |message: Message| message.read::<Value>().ok()?["number"].as_u64();
    broker.messages(queue).into_iter().filter_map(number).collect()
}

fn after(time: Duration) -> Instant {
    Instant::now() + time
}

#[test]
fn a_change_starts_and_stops_only_what_differs() {
    let broker = MemoryBroker::default();
    let (mut running, outlets) = running(&broker);
    running.apply(&routes(&json!([consumer("a"), store("s"), consumer("b")])), after(SOON)).unwrap();
    wait_until("both consumers", SOON, || broker.consumers("a") == 1 && broker.consumers("b") == 1);
    let kept = Arc::clone(&outlets.current()[0]);
    running.apply(&routes(&json!([consumer("c"), store("t"), store("s"), consumer("a")])), after(SOON)).unwrap();
    assert_eq!(broker.consumers("b"), 0, "a removed consumer still consumes");
    wait_until("the new consumer", SOON, || broker.consumers("c") == 1 && broker.consumers("a") == 1);
    assert!(
        outlets.current().iter().any(|outlet| Arc::ptr_eq(outlet, &kept)),
        "an unchanged producer was started again"
    );
    let mut names = running.parts.operations.routes();
    names.sort();
    assert_eq!(names, ["route/a", "route/c"]);
    running.apply(&routes(&json!([])), after(SOON)).unwrap();
    assert_eq!(broker.consumers("a") + broker.consumers("c"), 0);
    assert!(outlets.current().is_empty());
}

#[test]
fn consumers_use_a_new_producer_from_their_next_message_on() {
    let broker = MemoryBroker::default();
    let (mut running, _) = running(&broker);
    running.apply(&routes(&json!([consumer("a")])), after(SOON)).unwrap();
    publish(&broker, "a", 1);
    wait_until("the reply", SOON, || broker.depth("valawai/c1/echo/data/output") == Some(1));
    running.apply(&routes(&json!([consumer("a"), store("s")])), after(SOON)).unwrap();
    publish(&broker, "a", 2);
    wait_until("the stored message", SOON, || broker.depth("s") == Some(1));
    wait_until("the ack", SOON, || broker.unacknowledged("a") == 0);
    running.stop(after(SOON));
}

#[test]
fn what_a_removed_producer_has_not_published_is_delivered_again() {
    let broker = MemoryBroker::default();
    let (mut running, _) = running(&broker);
    broker.on_publish("s", OnPublish::Withhold);
    running.apply(&routes(&json!([consumer("a"), store("s")])), after(SOON)).unwrap();
    (0..50).for_each(|number| publish(&broker, "a", number));
    wait_until("the replies", SOON, || numbers(&broker, "valawai/c1/echo/data/output").len() >= 50);
    assert_eq!(broker.unacknowledged("a"), 50, "a message was acknowledged that is not stored");
    running.apply(&routes(&json!([consumer("a")])), after(Duration::from_millis(100))).unwrap();
    wait_until("all messages to be acknowledged", SOON, || broker.unacknowledged("a") == 0);
    running.stop(after(SOON));
}

#[test]
fn a_removed_producer_first_publishes_what_it_has() {
    let broker = MemoryBroker::default();
    let (mut running, _) = running(&broker);
    running.apply(&routes(&json!([consumer("a"), store("s")])), after(SOON)).unwrap();
    (0..200).for_each(|number| publish(&broker, "a", number));
    wait_until("the first reply", SOON, || broker.depth("valawai/c1/echo/data/output") > Some(0));
    running.apply(&routes(&json!([consumer("a")])), after(SOON)).unwrap();
    wait_until("all messages to be acknowledged", SOON, || broker.unacknowledged("a") == 0);
    assert_eq!(numbers(&broker, "valawai/c1/echo/data/output").len(), 200, "a message was handled twice");
    running.stop(after(SOON));
}
