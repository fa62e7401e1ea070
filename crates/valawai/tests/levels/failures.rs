//! Messages that fail: retries and dead letters.

use serde_json::{Value, json};

use valawai::{Component, Context, Failure};

use super::{ALARM, Running, TEMPERATURE, Temperature, alarm, alarm_contract, number};

pub(super) fn a_failed_message_is_retried_and_others_overtake_it<R: Running>() {
    let component = alarm(|mut message, context| {
        let attempts = context.message().properties.attempts;
        if message["number"] == 1 && attempts < 2 {
            return Err(Failure::retry("the sensor is busy"));
        }
        message["attempts"] = attempts.into();
        Ok(message)
    });
    let running = R::run_with(&component, &[("RETRY_TTL", "500")]);
    running.publish(TEMPERATURE, &number(1));
    running.publish(TEMPERATURE, &number(2));
    assert_eq!(running.receive(ALARM), json!({ "number": 2, "attempts": 0 }));
    assert_eq!(running.receive(ALARM), json!({ "number": 1, "attempts": 2 }));
    running.wait_until_acknowledged(TEMPERATURE);
    assert!(running.dead_letters(TEMPERATURE).is_empty(), "a message that was processed is a dead letter");
}

pub(super) fn a_message_without_attempts_left_is_a_dead_letter<R: Running>() {
    let component = alarm(|_, _| Err(Failure::retry("the sensor is busy")));
    let running = R::run_with(&component, &[("RETRY_TTL", "10"), ("MAX_RETRIES", "2")]);
    running.publish(TEMPERATURE, &number(1));
    let entry = running.wait_for_log("3 attempts failed, the last one because the sensor is busy");
    assert_eq!((&*entry.level, entry.payload.as_deref()), ("ERROR", Some(r#"{"number":1}"#)));
    running.wait_until_acknowledged(TEMPERATURE);
    assert_eq!(running.dead_letters(TEMPERATURE), [number(1)]);
}

pub(super) fn messages_that_cannot_be_processed_are_dead_letters_and_one_error_each<R: Running>() {
    let component = Component::new("1.0.0", alarm_contract())
        .on(TEMPERATURE)
        .reply(ALARM, |Temperature { celsius }, _: &Context| {
            assert!(celsius < 1000.0, "it melts");
            if celsius < -273.0 {
                Err(Failure::refuse("that is impossible"))
            } else {
                Ok(json!({ "celsius": celsius }))
            }
        })
        .parameters(|_: Value, _| Ok(()));
    let running = R::run(&component);
    for body in ["not JSON", "[21]", r#"{"celsius":"hot"}"#, r#"{"celsius":2000}"#, r#"{"celsius":-300}"#] {
        running.publish_raw(TEMPERATURE, body);
    }
    running.publish(TEMPERATURE, &json!({ "celsius": 21.0 }));
    assert_eq!(running.receive(ALARM), json!({ "celsius": 21.0 }));
    running.wait_until_acknowledged(TEMPERATURE);
    let celsius = |value: Value| json!({ "celsius": value });
    let refused = ["not JSON".into(), json!([21]), celsius("hot".into()), celsius(2000.into()), celsius((-300).into())];
    assert_eq!(running.dead_letters(TEMPERATURE), refused);
    let reasons = ["not JSON", "not a JSON object", "invalid type", "it melts", "that is impossible"];
    for reason in reasons {
        assert_eq!(running.wait_for_log(reason).level, "ERROR");
    }
    let errors = running.log().iter().filter(|entry| entry.level == "ERROR").count();
    assert_eq!(errors, reasons.len(), "not one error for each message: {:#?}", running.log());
}
