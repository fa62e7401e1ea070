//! C2: observing what other components send to each other.

use serde_json::{Value, json};

use valawai::internals::asyncapi::sample;
use valawai::{Component, Output, SentMessage};

use super::{Running, Temperature};

const SENT: &str = "control/sent_temperature";
const COMFORT: Output = Output::new("data/comfort");

fn sent(source: &str, celsius: f64) -> Value {
    json!({
        "connection_id": "65a0b1c2d3e4f5061728394a",
        "source": { "id": "75a0b1c2d3e4f5061728394a", "name": source, "type": "C0" },
        "target": { "id": "85a0b1c2d3e4f5061728394a", "name": "c1_alarm", "type": "C1" },
        "message_payload": { "celsius": celsius },
        "timestamp": 1_763_680_000,
    })
}

fn comfort() -> Component {
    Component::new("1.0.0", sample("c2/comfort", &["subscribe control/sent_temperature", "publish data/comfort"]))
        .sends(COMFORT)
        .on_sent(SENT, |sent: SentMessage<Temperature>, context| {
            context
                .send(COMFORT, &json!({ "of": sent.source.name, "comfort": sent.message_payload.celsius < 30.0 }))?;
            if sent.message_payload.celsius >= 30.0 {
                context.mov().disable(&sent.connection_id);
            }
            Ok(())
        })
}

pub(super) fn a_c2_component_values_sent_messages_and_disables_a_connection<R: Running>() {
    let running = R::run(&comfort());
    running.publish(SENT, &sent("c0_thermometer", 21.0));
    running.publish(SENT, &sent("c0_thermometer", 35.0));
    assert_eq!(running.receive("data/comfort"), json!({ "of": "c0_thermometer", "comfort": true }));
    assert_eq!(running.receive("data/comfort"), json!({ "of": "c0_thermometer", "comfort": false }));
    running.wait_until_acknowledged(SENT);
    let expected = json!({ "action": "DISABLE", "connection_id": "65a0b1c2d3e4f5061728394a" });
    assert_eq!(running.requested(), [("valawai/topology/change", expected)]);
}

pub(super) fn a_c2_component_ignores_messages_that_it_published_itself<R: Running>() {
    let running = R::run(&comfort());
    running.publish(SENT, &sent("c2_comfort", 50.0));
    running.publish(SENT, &sent("c0_thermometer", 20.0));
    assert_eq!(running.receive("data/comfort")["of"], "c0_thermometer");
    assert!(running.requested().is_empty(), "it reacted to its own message");
}

pub(super) fn a_sent_message_without_a_payload_is_one_error_and_a_dead_letter<R: Running>() {
    let running = R::run(&comfort());
    let mut incomplete = sent("c0_thermometer", 20.0);
    incomplete.as_object_mut().unwrap().remove("message_payload");
    running.publish(SENT, &incomplete);
    assert_eq!(running.wait_for_log("missing field `message_payload`").level, "ERROR");
    running.wait_until_acknowledged(SENT);
    assert_eq!(running.dead_letters(SENT), [incomplete]);
    running.publish(SENT, &sent("c0_thermometer", 20.0));
    assert_eq!(running.receive("data/comfort")["comfort"], true);
}
