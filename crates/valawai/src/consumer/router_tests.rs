//! The outcome of one delivery, case by case.

use serde_json::{Value, json};

use super::*;
use crate::asyncapi::sample;
use crate::component::{Component, Output};
use crate::consumer::{fault_injection, retry, tuning};
use crate::mov;
use crate::mov::identity::Identity;
use crate::mov::log::Writer;
use crate::name::Kind;
use crate::trace::Trace;

const INPUT: &str = "valawai/c1/echo/data/input";
const FURTHER: Output = Output::new("data/further");

fn router(handler: fn(Value, &Context) -> Result<Value, Failure>) -> (Router, Writer) {
    let contract = sample("c1/echo", &["subscribe data/input", "publish data/output", "publish data/further"]);
    let component = Component::new("1.0.0", contract).on("data/input").reply("data/output", handler).sends(FURTHER);
    let (log, writer) = mov::log::open(log::LevelFilter::Info, Identity::default());
    let resolved = component.check().unwrap();
    (Router::new(resolved.routes_of(Kind::Data), resolved.scope(log), Arc::default()), writer)
}

fn echo(message: Value, _: &Context) -> Result<Value, Failure> {
    Ok(message)
}

fn message(body: &[u8], message_id: Option<&str>) -> Message {
    let properties = Properties {
        message_id: message_id.map(Into::into),
        correlation_id: Some("request".into()),
        conversation_id: Some("conversation".into()),
        ..Properties::default()
    };
    Message { body: body.into(), properties }
}

fn published(outcome: Outcome) -> Vec<Outgoing> {
    match outcome {
        Outcome::Publish { messages, .. } => messages,
        Outcome::Discard { .. } => Vec::new(),
        other => panic!("the handler's success had another outcome: {other:?}"),
    }
}

#[test]
fn a_reply_inherits_the_properties_of_its_message() {
    let (router, _) = router(echo);
    let replies = published(router.decide(0, message(b"{}", Some("m-1"))));
    assert_eq!(replies.len(), 1);
    assert_eq!(&*replies[0].to, "valawai/c1/echo/data/output");
    assert_eq!(replies[0].properties, message(b"", Some("m-1")).properties);
    assert!(replies[0].persistent && replies[0].mandatory);
}

#[test]
fn a_trace_that_a_handler_begins_goes_to_all_outputs_and_one_that_there_is_goes_on() {
    let (router, _) = router(|message, context| {
        let begun = context.begin_trace(true).trace_id();
        assert_eq!(context.begin_trace(false).trace_id(), begun, "another trace was begun");
        context.send(FURTHER, &message)?;
        Ok(message)
    });
    let traces = |message| {
        let outputs = published(router.decide(0, message));
        outputs.into_iter().map(|output| *output.properties.trace.expect("a trace")).collect::<Vec<_>>()
    };
    let begun = traces(message(b"{}", None));
    assert!(begun.len() == 2 && begun[0] == begun[1] && begun[0].is_sampled(), "{begun:?}");
    let mut message = message(b"{}", None);
    message.properties.trace = Some(Box::new(Trace::begin(false)));
    let expected = message.properties.trace.clone().map(|trace| *trace).unwrap();
    assert_eq!(traces(message), [expected.clone(), expected]);
}

#[test]
fn a_reply_to_a_message_without_an_identifier_gets_a_unique_one() {
    let (router, _) = router(echo);
    let id = |_| published(router.decide(0, message(b"{}", None)))[0].properties.message_id.clone().unwrap();
    let ids: std::collections::BTreeSet<String> = (0..3).map(id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn what_a_handler_sends_is_published_before_the_reply_with_an_identifier_of_its_own() {
    let (router, _) = router(|message, context| {
        context.send(FURTHER, &json!({"more": true}))?;
        Ok(message)
    });
    let messages = published(router.decide(0, message(b"{}", Some("m-1"))));
    let to: Vec<&str> = messages.iter().map(|message| &*message.to).collect();
    assert_eq!(to, ["valawai/c1/echo/data/further", "valawai/c1/echo/data/output"]);
    assert_ne!(messages[0].properties.message_id, messages[1].properties.message_id);
}

#[test]
fn sending_to_an_output_that_is_not_declared_is_refused() {
    let (router, writer) = router(|message, context| {
        context.send(Output::new("data/other"), &message)?;
        Ok(message)
    });
    assert!(published(router.decide(0, message(b"{}", None))).is_empty());
    assert!(writer.take_all()[0].message.contains("does not declare the output `data/other`"));
}

#[test]
fn a_message_is_retried_with_growing_delays_and_then_refused() {
    let (router, writer) = router(|_, _| Err(Failure::retry("not now")));
    let retry = retry::Options { max_retries: 2, first_delay: Duration::from_millis(10), ..Default::default() };
    router.tuning.set(tuning::Options { retry, ..Default::default() });
    let mut failed = message(b"{}", None);
    for (expected, milliseconds) in [(1, 10), (2, 20)] {
        match router.decide(0, failed.clone()) {
            Outcome::Retry { body, queue, attempts, .. } => {
                assert_eq!((body, attempts), (b"{}".to_vec(), expected));
                assert_eq!(queue.name, format!("valawai/c1/echo/retry/data/input/{milliseconds}"));
                failed.properties.attempts = attempts;
            }
            other => panic!("attempt {expected} had the outcome {other:?}"),
        }
    }
    assert!(published(router.decide(0, failed)).is_empty());
    assert!(writer.take_all()[0].message.ends_with("3 attempts failed, the last one because not now"));
}

#[test]
fn a_refused_message_becomes_a_dead_letter_unchanged() {
    let (router, writer) = router(|_, _| Err(Failure::refuse("it is blue")));
    router.tuning.set(tuning::Options { dead_letters: true, ..Default::default() });
    match router.decide(0, message(b"{ \"a\": 1 }", None)) {
        Outcome::DeadLetter(letter) => {
            assert_eq!(letter.body, b"{ \"a\": 1 }");
            assert_eq!((letter.to.as_str(), letter.from.as_str()), ("valawai/c1/echo/dead_letter/data/input", INPUT));
            assert_eq!((letter.attempts, letter.reason.as_str()), (1, "it is blue"));
        }
        other => panic!("the outcome was {other:?}"),
    }
    assert_eq!(writer.take_all().len(), 1, "it was not reported once");
}

#[test]
fn injected_faults_are_retried_or_requeued() {
    let (router, _) = router(echo);
    let inject = |faults| router.tuning.set(tuning::Options { faults, ..Default::default() });
    inject(fault_injection::Options { fail: 1.0, ..Default::default() });
    assert!(matches!(router.decide(0, message(b"{}", None)), Outcome::Retry { .. }));
    inject(fault_injection::Options { nack: 1.0, ..Default::default() });
    assert!(matches!(router.decide(0, message(b"{}", None)), Outcome::Requeue));
}

#[test]
fn a_refused_object_is_reported_once_with_its_body() {
    let (router, writer) = router(|_, _| Err(Failure::refuse("it is blue")));
    assert!(published(router.decide(0, message(b"{\"a\": 1}", None))).is_empty());
    let entries = writer.take_all();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].severity, Severity::Error);
    assert_eq!(entries[0].message, "Cannot process input, because it is blue");
    assert_eq!(entries[0].payload.as_deref(), Some("{\"a\": 1}"));
}

#[test]
fn bodies_that_are_not_objects_are_reported_with_a_json_payload() {
    let (router, writer) = router(echo);
    assert!(published(router.decide(0, message(b"[1, 2]", None))).is_empty());
    assert_eq!(writer.take_all()[0].payload.as_deref(), Some("[1, 2]"));
    assert!(published(router.decide(0, message(b"{\"a\": NaN}", None))).is_empty());
    let entry = &writer.take_all()[0];
    assert!(entry.message.starts_with("Cannot process input, because it is not JSON"), "{}", entry.message);
    assert!(entry.payload.as_deref().unwrap().starts_with('"'), "the payload is not JSON: {:?}", entry.payload);
}

#[test]
fn a_panic_of_a_handler_refuses_its_message_only() {
    let (router, writer) = router(|_, _| panic!("oh no"));
    assert!(published(router.decide(0, message(b"{}", None))).is_empty());
    assert!(writer.take_all()[0].message.ends_with("the handler panicked: oh no"));
}

#[test]
fn an_excerpt_is_short_and_on_one_line() {
    assert_eq!(excerpt(b"a\nb\x1b[31m"), "a\\nb\\u{1b}[31m");
    let long = excerpt(&vec![b'x'; 16 * 1024 * 1024]);
    assert!(long.len() < 300 && long.ends_with("(16777216 bytes in all)"), "{long}");
}

#[test]
fn a_message_that_a_quorum_queue_delivered_too_often_is_republished_without_counting_an_attempt() {
    let (router, _) = router(echo);
    let mut worn = message(b"{}", Some("m-1"));
    worn.properties.attempts = 3;
    worn.properties.deliveries = MAX_DELIVERIES - 1;
    assert_eq!(published(router.decide(0, worn.clone())).len(), 1);
    worn.properties.deliveries = MAX_DELIVERIES;
    match router.decide(0, worn) {
        Outcome::Retry { body, queue, attempts: 3, .. } => {
            assert_eq!((&*body, &*queue.name), (&b"{}"[..], "valawai/c1/echo/retry/data/input/1000"));
        }
        other => panic!("the outcome was {other:?}"),
    }
}
