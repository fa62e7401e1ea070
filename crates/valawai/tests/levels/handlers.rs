//! C1: handlers, and their parameters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use testkit::wait::SOON;
use testkit::wait_until;
use valawai::{Component, Context, Failure, Output};

use super::{ALARM, Running, TEMPERATURE, Temperature, alarm, alarm_contract, number};

pub(super) fn what_a_handler_sends_is_published_before_its_reply<R: Running>() {
    const SECOND_ALARM: Output = Output::new(ALARM);
    let component = alarm(|_, context| {
        context.send(SECOND_ALARM, &number(1))?;
        context.send(SECOND_ALARM, &number(2))?;
        Ok(number(3))
    });
    let running = R::run(&component.sends(SECOND_ALARM));
    running.publish(TEMPERATURE, &json!({}));
    running.wait_until_acknowledged(TEMPERATURE);
    assert_eq!(running.published(ALARM), [number(1), number(2), number(3)]);
}

pub(super) fn parameters_are_validated_and_the_last_valid_ones_are_kept<R: Running>() {
    #[derive(Deserialize)]
    struct Parameters {
        limit: i32,
    }

    let limit = Arc::new(Mutex::new(30));
    let (current, used) = (Arc::clone(&limit), Arc::clone(&limit));
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .reply_optional(ALARM, move |now: Temperature, _: &Context| {
            Ok((now.celsius > f64::from(*used.lock())).then(|| json!({ "celsius": now.celsius })))
        })
        .parameters(move |new: Parameters, _| {
            if new.limit < -273 {
                return Err(Failure::retry("that is impossible"));
            }
            *current.lock() = new.limit;
            Ok(())
        });
    let running = R::run(&component);
    running.publish("control/parameters", &json!({ "limit": 20 }));
    wait_until("the limit", SOON, || *limit.lock() == 20);
    for (invalid, reason) in [
        (json!({ "limit": "hot" }), "invalid type"),
        (json!({ "limit": -300 }), "that is impossible"),
        (json!([20]), "not a JSON object"),
    ] {
        running.publish("control/parameters", &invalid);
        assert_eq!(running.wait_for_log(reason).level, "ERROR");
    }
    running.wait_until_acknowledged("control/parameters");
    running.publish(TEMPERATURE, &json!({ "celsius": 25 }));
    assert_eq!(running.receive(ALARM), json!({ "celsius": 25.0 }));
    let errors = running.log().iter().filter(|entry| entry.level == "ERROR").count();
    assert_eq!(errors, 3, "not one error for each of the invalid parameters: {:#?}", running.log());
}

pub(super) fn a_channel_with_workers_of_its_own_is_consumed_in_parallel<R: Running>() {
    let most = Arc::new(AtomicUsize::new(0));
    let (running_now, counted) = (AtomicUsize::new(0), Arc::clone(&most));
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .workers(4)
        .prefetch(1)
        .retries(1)
        .reply(ALARM, move |message: Value, _: &Context| {
            counted.fetch_max(running_now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            wait_until("four messages at a time", SOON, || counted.load(Ordering::SeqCst) >= 4);
            running_now.fetch_sub(1, Ordering::SeqCst);
            Ok(message)
        })
        .on("control/parameters")
        .consume(|_: Value, _| Ok(()));
    let running = R::run(&component);
    for next in 0..40 {
        running.publish(TEMPERATURE, &number(next));
    }
    running.wait_until_acknowledged(TEMPERATURE);
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

pub(super) fn a_handler_sends_to_a_producer_of_the_configuration_by_its_name<R: Running>() {
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .reply_optional(ALARM, |message: Value, context: &Context| {
            // What comes from the queue of the producer is answered.
            if message["is_audited"] == true {
                return Ok(Some(message));
            }
            let route = message["route"].as_str().unwrap_or_default();
            context.route(route).send(&json!({ "is_audited": true, "number": message["number"] }))?;
            Ok(None)
        })
        .parameters(|_: Value, _| Ok(()));
    let routes = json!([
        { "name": "audit", "type": "producer", "queue": "audits" },
        { "name": "audited", "type": "consumer", "queue": "audits" },
    ]);
    let running = R::run_with(&component, &[("QUEUE_CONFIG", &routes.to_string())]);
    running.publish(TEMPERATURE, &json!({ "route": "audit", "number": 1 }));
    assert_eq!(running.receive(ALARM), json!({ "is_audited": true, "number": 1 }));
    running.publish(TEMPERATURE, &json!({ "route": "audited" }));
    let entry = running.wait_for_log("no producer in QUEUE_CONFIG has the name");
    assert_eq!(entry.level, "ERROR");
    running.wait_until_acknowledged(TEMPERATURE);
    assert_eq!(running.dead_letters(TEMPERATURE), [json!({ "route": "audited" })]);
}

pub(super) fn a_periodic_handler_sends_to_a_producer_of_the_configuration<R: Running>() {
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .consume(|message: Value, context| {
            context.log().warn("Received from the route", &message);
            Ok(())
        })
        .every(Duration::from_secs(3600))
        .publish(ALARM, |context| {
            context.route("audit").send(&number(1))?;
            Ok(Some(number(2)))
        })
        .parameters(|_: Value, _| Ok(()));
    let routes = json!([
        { "name": "audit", "type": "producer", "queue": "audits" },
        { "name": "audited", "type": "consumer", "queue": "audits" },
    ]);
    let running = R::run_with(&component, &[("QUEUE_CONFIG", &routes.to_string())]);
    assert_eq!(running.receive(ALARM), number(2));
    assert_eq!(running.wait_for_log("Received from the route").payload.as_deref(), Some(r#"{"number":1}"#));
}
