//! The fate of one delivery, case by case.

use super::*;
use crate::component::Component;
use crate::message::Properties;
use crate::mov;
use crate::mov::identity::Identity;
use crate::mov::log::Writer;

const HEARD: &str = "valawai/c1/echo/data/heard";
const CONTRACT: &str = "
channels:
  valawai/c1/echo/control/registered: { subscribe: {} }
  valawai/c1/echo/data/heard: { subscribe: {} }
  valawai/c1/echo/data/said: { publish: {} }
  valawai/c1/echo/data/further: { publish: {} }
";

fn router(handler: fn(&Heard<'_>, &Context<'_>) -> Result<Said, Failure>) -> (Router, Writer) {
    let component =
        Component::new("1.0.0", CONTRACT).on("data/heard").answer("data/said", handler).says("data/further");
    let (log, writer) = mov::log::open(log::LevelFilter::Info, Identity::default());
    (Router::new(&component.check().unwrap(), Kind::Data, log, Options::default()), writer)
}

fn message(body: &[u8], message_id: Option<&str>) -> Message {
    let properties = Properties {
        message_id: message_id.map(Into::into),
        correlation_id: Some("question".into()),
        conversation_id: Some("talk".into()),
        ..Properties::default()
    };
    Message { body: body.into(), properties }
}

fn said(fate: Fate) -> Vec<Outgoing> {
    match fate {
        Fate::Settle { said, .. } => said,
        other => panic!("the message was not settled: {other:?}"),
    }
}

#[test]
fn an_answer_carries_what_its_question_came_with() {
    let (router, _) = router(|heard, _| Said::json(heard));
    let said = said(router.decide(0, message(b"{}", Some("m-1"))));
    assert_eq!(said.len(), 1);
    assert_eq!(&*said[0].to, "valawai/c1/echo/data/said");
    assert_eq!(said[0].properties, message(b"", Some("m-1")).properties);
    assert!(said[0].persistent && said[0].mandatory);
}

#[test]
fn an_answer_to_a_message_without_an_identifier_gets_one_and_each_its_own() {
    let (router, _) = router(|heard, _| Said::json(heard));
    let mut ids =
        (0..3).map(|_| said(router.decide(0, message(b"{}", None)))[0].properties.message_id.clone().unwrap());
    let (first, second, third) = (ids.next(), ids.next(), ids.next());
    assert!(first != second && second != third && first != third);
}

#[test]
fn what_is_said_beside_the_answer_goes_out_first_under_an_identifier_of_its_own() {
    let (router, _) = router(|heard, context| {
        context.send("data/further", &serde_json::json!({"more": true}))?;
        Said::json(heard)
    });
    let said = said(router.decide(0, message(b"{}", Some("m-1"))));
    let to: Vec<&str> = said.iter().map(|message| &*message.to).collect();
    assert_eq!(to, ["valawai/c1/echo/data/further", "valawai/c1/echo/data/said"]);
    assert_ne!(said[0].properties.message_id, said[1].properties.message_id);
}

#[test]
fn a_handler_that_may_do_better_later_gets_the_message_again_and_again_and_then_it_is_refused() {
    let (mut router, writer) = router(|_, _| Err(Failure::retry("not now")));
    router.options.retry =
        retry::Options { most: 2, first: std::time::Duration::from_millis(10), ..Default::default() };
    let mut failed = message(b"{}", None);
    for (expected, milliseconds) in [(1, 10), (2, 20)] {
        match router.decide(0, failed.clone()) {
            Fate::Retry { body, queue, attempts } => {
                assert_eq!((body, attempts), (b"{}".to_vec(), expected));
                assert_eq!(queue.name, format!("valawai/c1/echo/retry/data/heard/{milliseconds}"));
                failed.properties.attempts = attempts;
            }
            other => panic!("attempt {expected} was followed by {other:?}"),
        }
    }
    assert!(said(router.decide(0, failed)).is_empty());
    assert!(writer.take_all()[0].message.ends_with("it was tried 3 times in vain, at last because not now"));
}

#[test]
fn what_is_refused_is_buried_byte_for_byte_if_dead_letters_are_kept() {
    let (mut router, writer) = router(|_, _| Err(Failure::refuse("it is blue")));
    router.options.dead_letters = true;
    match router.decide(0, message(b"\xff not JSON", None)) {
        Fate::Bury(burial) => {
            assert_eq!(burial.body, b"\xff not JSON");
            assert_eq!((burial.to.as_str(), burial.from.as_str()), ("valawai/c1/echo/dead_letter/data/heard", HEARD));
            assert_eq!((burial.attempts, burial.reason.as_str()), (1, "it is blue"));
        }
        other => panic!("it was not buried: {other:?}"),
    }
    assert_eq!(writer.take_all().len(), 1, "it is told once");
}

#[test]
fn chaos_makes_messages_fail_and_go_back() {
    let (mut router, _) = router(|heard, _| Said::json(heard));
    router.options.chaos = Chaos::new(crate::chaos::Options { fail: 1.0, ..Default::default() });
    assert!(matches!(router.decide(0, message(b"{}", None)), Fate::Retry { .. }));
    router.options.chaos = Chaos::new(crate::chaos::Options { nack: 1.0, ..Default::default() });
    assert!(matches!(router.decide(0, message(b"{}", None)), Fate::GiveBack));
}

#[test]
fn a_refused_object_is_one_error_at_the_mov_with_what_came() {
    let (router, writer) = router(|_, _| Err(Failure::refuse("it is blue")));
    assert!(said(router.decide(0, message(b"{\"a\": 1}", None))).is_empty());
    let entries = writer.take_all();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].severity, Severity::Error);
    assert_eq!(entries[0].message, "Cannot process heard, because it is blue");
    assert_eq!(entries[0].payload.as_deref(), Some("{\"a\": 1}"));
}

#[test]
fn json_that_is_no_object_and_what_is_not_json_are_one_error_each_at_the_mov() {
    let (router, writer) = router(|heard, _| heard.read::<serde_json::Value>().and_then(|value| Said::json(&value)));
    assert!(said(router.decide(0, message(b"[1, 2]", None))).is_empty());
    assert_eq!(writer.take_all()[0].payload.as_deref(), Some("[1, 2]"));
    assert!(said(router.decide(0, message(b"{\"a\": NaN}", None))).is_empty());
    let entry = &writer.take_all()[0];
    assert!(entry.message.starts_with("Cannot process heard, because it is not JSON"), "{}", entry.message);
    assert!(entry.payload.as_deref().unwrap().starts_with('"'), "the payload is not JSON: {:?}", entry.payload);
}

#[test]
fn a_handler_that_panics_costs_its_message_and_nothing_else() {
    let (router, writer) = router(|_, _| panic!("oh no"));
    assert!(said(router.decide(0, message(b"{}", None))).is_empty());
    assert!(writer.take_all()[0].message.ends_with("the handler panicked: oh no"));
}

#[test]
fn the_beginning_of_a_body_is_short_and_on_one_line() {
    assert_eq!(beginning(b"a\nb\x1b[31m"), "a\\nb\\u{1b}[31m");
    let long = beginning(&vec![b'x'; 16 * 1024 * 1024]);
    assert!(long.len() < 300 && long.ends_with("(16777216 bytes in all)"), "{long}");
}

#[test]
fn what_a_quorum_queue_delivered_too_often_is_sent_round_and_not_counted_as_an_attempt() {
    let (router, _) = router(|heard, _| Said::json(heard));
    let mut worn = message(b"{}", Some("m-1"));
    worn.properties.attempts = 3;
    worn.properties.deliveries = MOST_DELIVERIES - 1;
    assert_eq!(said(router.decide(0, worn.clone())).len(), 1);
    worn.properties.deliveries = MOST_DELIVERIES;
    match router.decide(0, worn) {
        Fate::Retry { body, queue, attempts: 3 } => {
            assert_eq!((&*body, &*queue.name), (&b"{}"[..], "valawai/c1/echo/retry/data/heard/1000"));
        }
        other => panic!("it was not sent round: {other:?}"),
    }
}
