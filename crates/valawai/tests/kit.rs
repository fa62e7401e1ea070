//! Whole components on the in-memory broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use valawai::internals::asyncapi::sample;
use valawai::{Component, Context, Failure, OrFail, Output, Reply, SentMessage};

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

/// Each verb, with closures whose contexts have no type. If one needed annotations, this would not compile.
#[test]
fn closures_need_no_annotations() {
    const NOTES: Output = Output::new("data/note");
    let consumed = ["parameters", "sent_text"].map(|name| format!("subscribe control/{name}"));
    let data =
        ["reply", "filter", "raw", "sink", "count", "changes", "sum"].map(|name| format!("subscribe data/{name}"));
    let published = ["note", "tick"].map(|name| format!("publish data/{name}"));
    let channels: Vec<&str> = consumed.iter().chain(&data).chain(&published).map(String::as_str).collect();
    let component = Component::new("1.0.0", sample("c2/closures", &channels))
        .sends(NOTES)
        .on("data/reply")
        .reply("data/note", |input: Value, context| {
            context.send(NOTES, &input)?;
            Ok(input)
        })
        .on("data/filter")
        .reply_optional("data/note", |input: Value, context| Ok((!context.message().redelivered()).then_some(input)))
        .on("data/raw")
        .reply_raw("data/note", |message, context| {
            context.log().info("raw", message);
            Reply::json(message)
        })
        .on("data/sink")
        .consume(|input: Value, context| {
            context.log_on_confirm().info("consumed", &input);
            Ok(())
        })
        .on("data/count")
        .with_state(0)
        .reply("data/note", |_: Value, count, context| {
            *count += 1;
            context.log().info(format!("counted {count}"), &());
            Ok(json!({ "count": *count }))
        })
        .on("data/changes")
        .with_state(None)
        .reply_optional("data/note", |input: Value, last, context| {
            context.log().debug("compared", &input);
            Ok((last.replace(input.clone()) != Some(input.clone())).then_some(input))
        })
        .on("data/sum")
        .with_state(0)
        .consume(|input: Value, sum, context| {
            *sum += input["number"].as_u64().or_refuse("no number")?;
            context.send(NOTES, &json!({ "sum": *sum }))
        })
        .on_sent("control/sent_text", |sent: SentMessage<Value>, context| {
            context.mov().disable(&sent.connection_id);
            Ok(())
        })
        .parameters(|parameters: Value, context| {
            context.log().info("parameters", &parameters);
            Ok(())
        })
        .every(Duration::from_secs(60))
        .publish("data/tick", |context| {
            context.log().debug("tick", &());
            Ok(Some(json!({})))
        })
        .source("data/tick", |publisher, shutdown| {
            while !shutdown.wait_for(Duration::from_secs(60)) {
                publisher.publish(&json!({}))?;
            }
            Ok(())
        });
    component.check().map(drop).unwrap();
}
