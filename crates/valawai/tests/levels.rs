//! Components of all levels on the in-memory broker, as their authors test them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use testkit::wait::SOON;
use testkit::wait_until;
use valawai::internals::asyncapi::sample;
use valawai::{Component, Context, Failure, Publisher, SentMessage, Shutdown, testing};

fn alarm_contract() -> &'static str {
    let channels = ["subscribe control/parameters", "subscribe data/temperature", "publish data/alarm"];
    sample("c1/alarm", &channels)
}

fn thermometer(run: impl Fn(&Publisher, &Shutdown) -> Result<(), Failure> + Send + Sync + 'static) -> Component {
    Component::new("1.0.0", sample("c0/thermometer", &["publish data/temperature"])).source("data/temperature", run)
}

/// Publishes the numbers below `count`, and stays.
fn count_to(count: u64) -> impl Fn(&Publisher, &Shutdown) -> Result<(), Failure> {
    move |publisher, shutdown| {
        for number in 0..count {
            publisher.enqueue(&json!({ "number": number }))?;
        }
        publisher.flush()?;
        let _ = shutdown.wait_for(Duration::from_secs(3600));
        Ok(())
    }
}

fn numbers(running: &testing::Running) -> Vec<u64> {
    running.published("data/temperature").iter().filter_map(|message| message["number"].as_u64()).collect()
}

#[test]
fn a_source_publishes_in_order() {
    let running = testing::run(&thermometer(count_to(5000)));
    wait_until("all numbers", SOON, || numbers(&running).len() >= 5000);
    assert_eq!(numbers(&running), (0..5000).collect::<Vec<_>>());
}

#[test]
fn a_source_continues_over_sessions_and_refused_messages() {
    let running = testing::run(&thermometer(count_to(20_000)));
    for round in 1..=4 {
        wait_until("some numbers", SOON, || numbers(&running).len() >= round * 100);
        running.reject("data/temperature", true);
        running.disconnect();
        running.reject("data/temperature", false);
    }
    wait_until("the last number", SOON, || numbers(&running).contains(&19_999));
    let mut all = numbers(&running);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 20_000, "a number is missing");
}

#[test]
fn a_source_that_fails_or_panics_is_reported_and_starts_again() {
    let starts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&starts);
    let running = testing::run(&thermometer(move |publisher, _| match counter.fetch_add(1, Ordering::SeqCst) {
        0 => Err(Failure::retry("the sensor is busy")),
        1 => panic!("the sensor overheated"),
        _ => publisher.publish(&json!({ "number": 1 })),
    }));
    wait_until("a number", SOON, || numbers(&running) == [1]);
    assert_eq!(running.wait_for_log("because the sensor is busy").level, "WARN");
    assert_eq!(running.wait_for_log("the sensor overheated").level, "ERROR");
    assert_eq!(starts.load(Ordering::SeqCst), 3, "a source that is done started again");
}

#[test]
fn an_invalid_message_is_refused_at_once_and_the_source_goes_on() {
    let running = testing::run(&thermometer(|publisher, _| {
        assert!(matches!(publisher.publish(&[1, 2]), Err(Failure::Refuse(_))), "an array was published");
        publisher.publish(&json!({ "number": 2 }))
    }));
    wait_until("a number", SOON, || numbers(&running) == [2]);
}

#[test]
fn a_source_that_waits_for_the_broker_does_not_delay_the_stop() {
    let running = testing::run(&thermometer(count_to(5)));
    running.reject("data/temperature", true);
    running.disconnect();
    let start = Instant::now();
    drop(running);
    assert!(start.elapsed() < Duration::from_secs(8), "the stop took {:?}", start.elapsed());
}

#[derive(Deserialize, Clone)]
struct Temperature {
    celsius: f64,
}

#[test]
fn parameters_are_validated_and_the_last_valid_ones_are_kept() {
    #[derive(Deserialize)]
    struct Parameters {
        limit: i32,
    }

    let limit = Arc::new(Mutex::new(30));
    let (current, used) = (Arc::clone(&limit), Arc::clone(&limit));
    let component = Component::new("1.0.0", alarm_contract())
        .on("data/temperature")
        .reply_optional("data/alarm", move |now: Temperature, _: &Context| {
            Ok((now.celsius > f64::from(*used.lock())).then(|| json!({ "celsius": now.celsius })))
        })
        .parameters(move |new: Parameters, _| {
            if new.limit < -273 {
                return Err(Failure::retry("that is impossible"));
            }
            *current.lock() = new.limit;
            Ok(())
        });
    let running = testing::run(&component);
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
    running.publish("data/temperature", &json!({ "celsius": 25 }));
    assert_eq!(running.receive("data/alarm"), json!({ "celsius": 25.0 }));
    let errors = running.log().iter().filter(|entry| entry.level == "ERROR").count();
    assert_eq!(errors, 3, "not one error for each of the invalid parameters: {:#?}", running.log());
}

#[test]
fn a_channel_with_workers_of_its_own_is_consumed_in_parallel() {
    let most = Arc::new(AtomicU64::new(0));
    let (running_now, counted) = (AtomicU64::new(0), Arc::clone(&most));
    let component = Component::new("1.0.0", alarm_contract())
        .on("data/temperature")
        .workers(4)
        .prefetch(1)
        .retries(1)
        .reply("data/alarm", move |message: Value, _: &Context| {
            counted.fetch_max(running_now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            running_now.fetch_sub(1, Ordering::SeqCst);
            Ok(message)
        })
        .on("control/parameters")
        .consume(|_: Value, _| Ok(()));
    let running = testing::run(&component);
    for number in 0..40 {
        running.publish("data/temperature", &json!({ "number": number }));
    }
    running.wait_until_acknowledged("data/temperature");
    assert_eq!(most.load(Ordering::SeqCst), 4);
}

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
    const COMFORT: valawai::Output = valawai::Output::new("data/comfort");
    Component::new("1.0.0", sample("c2/comfort", &["subscribe control/sent_temperature", "publish data/comfort"]))
        .sends(COMFORT)
        .on_sent("control/sent_temperature", |sent: SentMessage<Temperature>, context| {
            context
                .send(COMFORT, &json!({ "of": sent.source.name, "comfort": sent.message_payload.celsius < 30.0 }))?;
            if sent.message_payload.celsius >= 30.0 {
                context.mov().disable(&sent.connection_id);
            }
            Ok(())
        })
}

#[test]
fn a_c2_component_values_sent_messages_and_disables_a_connection() {
    let running = testing::run(&comfort());
    running.publish("control/sent_temperature", &sent("c0_thermometer", 21.0));
    running.publish("control/sent_temperature", &sent("c0_thermometer", 35.0));
    assert_eq!(running.receive("data/comfort"), json!({ "of": "c0_thermometer", "comfort": true }));
    assert_eq!(running.receive("data/comfort"), json!({ "of": "c0_thermometer", "comfort": false }));
    running.wait_until_acknowledged("control/sent_temperature");
    let expected = json!({ "action": "DISABLE", "connection_id": "65a0b1c2d3e4f5061728394a" });
    assert_eq!(running.requested(), [("valawai/topology/change", expected)]);
}

#[test]
fn a_c2_component_ignores_messages_that_it_published_itself() {
    let running = testing::run(&comfort());
    running.publish("control/sent_temperature", &sent("c2_comfort", 50.0));
    running.publish("control/sent_temperature", &sent("c0_thermometer", 20.0));
    assert_eq!(running.receive("data/comfort")["of"], "c0_thermometer");
    assert!(running.requested().is_empty(), "it reacted to its own message");
}

#[test]
fn a_sent_message_without_a_payload_is_one_error_and_a_dead_letter() {
    let running = testing::run(&comfort());
    let mut incomplete = sent("c0_thermometer", 20.0);
    incomplete.as_object_mut().unwrap().remove("message_payload");
    running.publish("control/sent_temperature", &incomplete);
    assert_eq!(running.wait_for_log("missing field `message_payload`").level, "ERROR");
    wait_until("the dead letter", SOON, || running.dead_letters("control/sent_temperature") == [incomplete.clone()]);
    running.publish("control/sent_temperature", &sent("c0_thermometer", 20.0));
    assert_eq!(running.receive("data/comfort")["comfort"], true);
}

#[test]
fn a_component_is_registered_and_stays_registered_when_its_connection_breaks() {
    let running = testing::run(&comfort());
    let notice = running.wait_registered();
    assert_eq!((notice["name"].as_str(), notice["type"].as_str()), (Some("c2_comfort"), Some("C2")));
    running.disconnect();
    running.publish("control/sent_temperature", &sent("c0_thermometer", 20.0));
    assert_eq!(running.receive("data/comfort")["comfort"], true);
    assert_eq!(running.wait_registered(), notice, "it registered again");
}
