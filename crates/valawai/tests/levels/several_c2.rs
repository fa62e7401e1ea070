//! C2 components that the MOV notifies of the same connections, several at a time: on RabbitMQ with the simulator only, because
//! `valawai::testing` runs one component, and connects nothing.

use std::sync::Arc;

use crossbeam_channel::Sender;
use parking_lot::Mutex;
use serde_json::json;

use testkit::mov::Connection;
use testkit::wait::SOON;
use testkit::{Node, wait_until};
use valawai::internals::asyncapi::sample;
use valawai::{Component, Output, SentMessage};

use super::rabbitmq::Platform;
use super::{TEMPERATURE, Temperature};
use crate::running_app::RunningApp;

const PAYLOAD: &str = "properties: { celsius: { type: number } }";
const ENVELOPE: &str = "properties: {
    connection_id: { type: string },
    source: &end { properties: { id: *text, name: *text, type: { type: string, enum: [C0, C1, C2] } } }, target: *end,
    message_payload: { properties: { celsius: { type: number } } }, timestamp: { type: integer } }";
const SENT: &str = "control/sent_temperature";
const OWN_TEMPERATURE: Output = Output::new(TEMPERATURE);

/// The contract of `component` with these channels. Those under `control/` are notified of sent temperatures; the others have
/// temperatures.
fn contract(component: &str, channels: &[&str]) -> &'static str {
    let mut text = sample(component, channels).to_owned();
    for channel in channels {
        let payload = if channel.contains(" control/") { ENVELOPE } else { PAYLOAD };
        text = text.replacen("properties: {}", payload, 1);
    }
    text.leak()
}

/// Temperatures, in the order in which they were received.
type Seen = Arc<Mutex<Vec<f64>>>;

fn sorted(seen: &Seen) -> Vec<f64> {
    let mut sorted = seen.lock().clone();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A C2 component that remembers what it observes.
fn observer(name: &str, seen: &Seen) -> Component {
    let seen = Arc::clone(seen);
    let contract = contract(&format!("c2/{name}"), &["subscribe control/sent_temperature"]);
    Component::new("1.0.0", contract).on_sent(SENT, move |sent: SentMessage<Temperature>, _| {
        seen.lock().push(sent.message_payload.celsius);
        Ok(())
    })
}

/// A platform with a C0 component that publishes temperatures, and a C1 component that consumes them.
struct Connected {
    _components: [RunningApp; 2],
    /// What the C0 component publishes next.
    publish: Sender<f64>,
    /// What the C1 component has received.
    seen: Seen,
}

impl Connected {
    fn start(platform: &Platform) -> Self {
        let (publish, next) = crossbeam_channel::unbounded();
        let seen = Seen::default();
        let received = Arc::clone(&seen);
        let alarm = Component::new("1.0.0", contract("c1/alarm", &["subscribe data/temperature"]))
            .on(TEMPERATURE)
            .consume(move |Temperature { celsius }, _| {
                received.lock().push(celsius);
                Ok(())
            });
        let thermometer = Component::new("1.0.0", contract("c0/thermometer", &["publish data/temperature"])).source(
            TEMPERATURE,
            move |publisher, _| {
                next.iter().try_for_each(|celsius: f64| publisher.publish(&json!({ "celsius": celsius })))
            },
        );
        Self { _components: [platform.run(&alarm, &[]), platform.run(&thermometer, &[])], publish, seen }
    }

    fn publish(&self, celsius: impl IntoIterator<Item = f64>) {
        celsius.into_iter().for_each(|celsius| self.publish.send(celsius).unwrap());
    }
}

/// Waits until the MOV forwards from `source` to the C1 component, and notifies `observers` C2 components.
fn wait_connected(platform: &Platform, source: &str, observers: usize) {
    let is_ready = |it: &Connection| {
        let notified = it.notifications.iter().filter(|notification| notification.enabled).count();
        it.source.channel_name == source && it.enabled && notified == observers
    };
    let what = format!("a connection from {source} that {observers} components observe");
    platform.mov.wait_until(&what, SOON, |snapshot| snapshot.connections.iter().any(is_ready));
}

#[test]
fn two_c2_components_observe_the_same_connection() {
    let platform = Platform::start();
    let (comfort, safety) = (Seen::default(), Seen::default());
    let _observers =
        [("comfort", &comfort), ("safety", &safety)].map(|(name, seen)| platform.run(&observer(name, seen), &[]));
    let connected = Connected::start(&platform);
    wait_connected(&platform, "valawai/c0/thermometer/data/temperature", 2);
    connected.publish([1.0, 2.0, 3.0]);
    for (who, seen) in [("c1_alarm", &connected.seen), ("c2_comfort", &comfort), ("c2_safety", &safety)] {
        wait_until(&format!("{who} to get three messages"), SOON, || seen.lock().len() == 3);
        assert_eq!(sorted(seen), [1.0, 2.0, 3.0], "{who} did not get each message");
    }
}

#[test]
fn a_c2_component_that_observes_itself_does_not_loop() {
    let platform = Platform::start();
    let observed = Seen::default();
    let seen = Arc::clone(&observed);
    let channels = ["subscribe control/sent_temperature", "publish data/temperature"];
    let thermostat = Component::new("1.0.0", contract("c2/thermostat", &channels)).sends(OWN_TEMPERATURE).on_sent(
        SENT,
        move |SentMessage::<Temperature> { message_payload: Temperature { celsius }, .. }, context| {
            seen.lock().push(celsius);
            context.send(OWN_TEMPERATURE, &json!({ "celsius": celsius + 100.0 }))
        },
    );
    let _thermostat = platform.run(&thermostat, &[]);
    let connected = Connected::start(&platform);
    wait_connected(&platform, "valawai/c0/thermometer/data/temperature", 1);
    wait_connected(&platform, "valawai/c2/thermostat/data/temperature", 1);
    for (celsius, expected) in [(1.0, &[1.0, 101.0][..]), (2.0, &[1.0, 2.0, 101.0, 102.0])] {
        connected.publish([celsius]);
        wait_until("the reply of the thermostat", SOON, || connected.seen.lock().contains(&(celsius + 100.0)));
        // The MOV notifies it of its reply, too.
        platform.wait_until_acknowledged("valawai/c2/thermostat/data/temperature");
        platform.wait_until_acknowledged("valawai/c2/thermostat/control/sent_temperature");
        assert_eq!(sorted(&connected.seen), expected, "it reacted to its own message");
    }
    assert_eq!(*observed.lock(), [1.0, 2.0]);
}

#[test]
fn two_replicas_of_a_c2_component_get_each_sent_message_once() {
    let platform = Platform::start();
    let seen = Seen::default();
    let _replicas = [(), ()].map(|()| platform.run(&observer("comfort", &seen), &[]));
    let connected = Connected::start(&platform);
    wait_connected(&platform, "valawai/c0/thermometer/data/temperature", 1);
    let queue = "valawai/c2/comfort/control/sent_temperature";
    let consumers = || Node::shared().queue(&platform.vhost, queue).map(|queue| queue.consumers);
    wait_until("both replicas to consume", SOON, || consumers() == Some(2));
    connected.publish((0..100).map(f64::from));
    wait_until("all messages to be valued", SOON, || seen.lock().len() >= 100);
    platform.wait_until_acknowledged(queue);
    assert_eq!(sorted(&seen), (0..100).map(f64::from).collect::<Vec<_>>());
}
