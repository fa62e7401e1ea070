//! Whole components on the in-memory broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use valawai::{Component, Context, Failure};

use crate::running_component::{
    ANSWER, HEARTBEAT, PARAMETERS, QUESTION, RunningComponent, answer, component, contract,
};
use testkit::wait::SOON;

#[test]
fn a_slow_data_handler_does_not_delay_control_messages() {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (sender, parameters) = crossbeam_channel::unbounded();
    let slow_answer = move |question, context: &Context| {
        // It returns when `release` is dropped.
        let _ = released.recv();
        answer(question, context)
    };
    let component = Component::new("1.0.0", contract())
        .on("data/question")
        .reply("data/answer", slow_answer)
        .on("control/parameters")
        .consume(move |_: Value, _| sender.send(()).map_err(Failure::refuse))
        .every(Duration::from_secs(60))
        .publish("data/heartbeat", |_| Ok(None::<Value>));
    let running = RunningComponent::start(&component);
    running.publish(QUESTION, r#"{"text": "slow"}"#);
    running.publish(PARAMETERS, "{}");
    parameters.recv_timeout(SOON).expect("the control message waits for the data handler");
    assert_eq!(running.broker.depth(ANSWER), Some(0));
    drop(release);
    running.wait_for(ANSWER, 1);
}

#[test]
fn a_component_replies_and_publishes_periodically_after_a_reconnect() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let heartbeat = move |_: &Context| {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        Ok(Some(json!({ "beat": number })))
    };
    let component = component().every(Duration::from_millis(20)).publish("data/heartbeat", heartbeat);
    let running = RunningComponent::start(&component);
    running.wait_for(HEARTBEAT, 3);
    running.broker.lose_all_sessions();
    let before = running.broker.depth(HEARTBEAT).unwrap();
    running.wait_for(HEARTBEAT, before + 3);
    running.assert_answers();
}
