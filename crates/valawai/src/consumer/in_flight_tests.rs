//! Confirms in every order: each delivery is settled once, and none before what was said to it is confirmed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::in_flight::InFlight;
use super::unroutable::Unroutable;
use crate::broker::{Confirm, Returned};
use crate::message::Outgoing;
use crate::mov::log::{Entry, Severity};

fn message(id: u64) -> Outgoing {
    let mut message = Outgoing::new("out", vec![0; 10]);
    message.properties.message_id = Some(id.to_string());
    message
}

fn confirm(sequence: u64, multiple: bool, accepted: bool) -> Confirm {
    Confirm { sequence, multiple, accepted }
}

#[test]
fn a_nack_before_an_ack_of_several_stays_a_nack() {
    let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
    for number in 1..=3 {
        assert!(book.deliver(number));
        book.publish(number, number, &message(number));
        book.complete(number, Vec::new());
    }
    assert_eq!(book.confirm(confirm(2, false, false), &mut unroutable).requeue, [2]);
    book.requeue(2);
    assert!(book.confirm(confirm(3, true, true), &mut unroutable).requeue.is_empty());
    assert_eq!(book.take_acknowledgeable(), Some(3));
    assert_eq!(book.take_acknowledgeable(), None, "it was told twice");
}

#[test]
fn a_gap_left_by_a_slower_queue_is_not_acknowledged_over() {
    let mut book = InFlight::default();
    assert!(book.deliver(1));
    book.complete(1, Vec::new());
    assert!(book.deliver(3));
    book.complete(3, Vec::new());
    assert_eq!(book.take_acknowledgeable(), Some(1), "delivery 2 was not heard yet");
    assert!(book.deliver(2));
    book.complete(2, Vec::new());
    assert_eq!(book.take_acknowledgeable(), Some(3));
}

#[test]
fn what_is_logged_once_it_is_sent_waits_for_all_that_was_said() {
    let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
    let entry = Entry::new(Severity::Info, "sent", &());
    assert!(book.deliver(1));
    book.publish(1, 1, &message(1));
    book.publish(2, 1, &message(2));
    assert_eq!(book.complete(1, vec![entry.clone()]), []);
    assert_eq!(book.confirm(confirm(2, false, true), &mut unroutable).log, []);
    assert_eq!(book.confirm(confirm(1, false, true), &mut unroutable).log, [entry]);
}

#[test]
fn a_returned_message_does_not_end_the_outage_that_it_shows() {
    let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
    for number in 1..=2 {
        assert!(book.deliver(number));
        book.publish(number, number, &message(number));
        book.complete(number, Vec::new());
    }
    unroutable.begin("out");
    book.mark_returned(&Returned { to: "out".into(), message_id: Some("1".into()) });
    book.confirm(confirm(1, false, true), &mut unroutable);
    assert!(unroutable.is_going_on("out"));
    book.confirm(confirm(2, false, true), &mut unroutable);
    assert!(!unroutable.is_going_on("out"));
}

#[test]
fn those_behind_one_that_is_held_are_acknowledged_each_by_itself() {
    let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
    for number in 1..=4 {
        assert!(book.deliver(number));
    }
    book.hold(2);
    for number in [1, 3, 4] {
        book.publish(number, number, &message(number));
        book.complete(number, Vec::new());
    }
    book.confirm(confirm(4, false, true), &mut unroutable);
    assert_eq!(book.take_each_acknowledgeable(), [4]);
    book.confirm(confirm(3, true, true), &mut unroutable);
    assert_eq!(book.take_each_acknowledgeable(), [1, 3]);
    book.forward(5, 2, "own", None, 10);
    book.complete(2, Vec::new());
    assert!(book.is_holding(), "it was not confirmed yet");
    book.confirm(confirm(5, false, true), &mut unroutable);
    assert_eq!(book.take_each_acknowledgeable(), [2]);
    assert!(!book.is_holding());
}

#[test]
fn an_answer_whose_queue_is_away_is_said_again() {
    let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
    let returned = Returned { to: "out".into(), message_id: Some("1".into()) };
    assert!(book.deliver(1));
    book.publish(1, 1, &message(1));
    book.complete(1, Vec::new());
    assert!(book.mark_returned(&returned));
    book.require_arrival(&returned);
    let settlement = book.confirm(confirm(1, false, true), &mut unroutable);
    assert!(settlement.requeue == [1] && !settlement.accepted, "it was acknowledged, and is lost");
}

/// What a run of the worker may meet: how many messages are said to each delivery, and the broker's confirms.
fn runs() -> impl Strategy<Value = (Vec<usize>, Vec<(u64, bool, bool)>)> {
    (vec(0_usize..4, 1..40), vec((1_u64..100, any::<bool>(), any::<bool>()), 0..120))
}

#[test]
fn a_number_that_cannot_be_is_refused() {
    let mut book = InFlight::default();
    assert!(book.deliver(1));
    book.complete(1, Vec::new());
    assert_eq!(book.take_acknowledgeable(), Some(1));
    assert!(!book.deliver(1), "it was settled");
    assert!(!book.deliver(u64::MAX), "it is too far ahead");
    assert!(book.deliver(2));
}

proptest! {
    #[test]
    fn each_delivery_is_settled_once_and_not_before_its_answers((answers, confirms) in runs()) {
        let (mut book, mut unroutable) = (InFlight::default(), Unroutable::default());
        // What the broker's confirms mean, by the letter: the first word on a publish counts.
        let mut owner = BTreeMap::new();
        let mut verdicts: BTreeMap<u64, bool> = BTreeMap::new();
        let mut sequence = 0;
        for (number, count) in (1_u64..).zip(&answers) {
            assert!(book.deliver(number));
            for _ in 0..*count {
                sequence += 1;
                owner.insert(sequence, number);
                book.publish(sequence, number, &message(sequence));
            }
            book.complete(number, Vec::new());
        }
        let last = sequence;
        let closing = (last > 0).then_some((last, true, true));
        let mut requeued = BTreeSet::new();
        let mut acknowledged = 0;
        for (sequence, multiple, accepted) in confirms.into_iter().chain(closing) {
            let first = if multiple { 1 } else { sequence };
            for meant in first..=sequence.min(last) {
                verdicts.entry(meant).or_insert(accepted);
            }
            for number in book.confirm(confirm(sequence, multiple, accepted), &mut unroutable).requeue {
                prop_assert!(requeued.insert(number), "delivery {} was given back twice", number);
                book.requeue(number);
            }
            if let Some(number) = book.take_acknowledgeable() {
                prop_assert!(number > acknowledged, "delivery {} was acknowledged twice", number);
                for (sequence, owner) in &owner {
                    let is_covered = *owner <= number && !requeued.contains(owner);
                    prop_assert!(!is_covered || verdicts.get(sequence) == Some(&true),
                        "delivery {} was acknowledged before {} was accepted", owner, sequence);
                }
                acknowledged = number;
            }
        }
        let _ = book.take_acknowledgeable();
        prop_assert!(book.is_confirmed());
        prop_assert_eq!(book.unconfirmed_bytes(), 0);
        for (number, _) in (1_u64..).zip(&answers) {
            let was_refused = owner.iter().any(|(sequence, owner)| *owner == number && !verdicts[sequence]);
            prop_assert_eq!(requeued.contains(&number), was_refused, "delivery {}", number);
        }
    }
}
