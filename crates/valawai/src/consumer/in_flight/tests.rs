//! Confirms in any order: each delivery is settled once, and not before everything published for it is confirmed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::InFlight;
use crate::broker::{Confirm, Returned};
use crate::consumer::unroutable::Unroutable;
use crate::message::Outgoing;
use crate::mov::log::{Entry, Severity};

fn message(id: u64) -> Outgoing {
    let mut message = Outgoing::new("out", vec![0; 10]);
    message.properties.message_id = Some(id.to_string());
    message
}

fn returned(id: u64) -> Returned {
    Returned { to: "out".into(), message_id: Some(id.to_string()) }
}

fn ack(sequence: u64) -> Confirm {
    Confirm { sequence, multiple: false, accepted: true }
}

fn ack_up_to(sequence: u64) -> Confirm {
    Confirm { sequence, multiple: true, accepted: true }
}

fn nack(sequence: u64) -> Confirm {
    Confirm { sequence, multiple: false, accepted: false }
}

/// Deliveries with the tags 1 to `count`; a reply with the same number was published for each.
fn replied(count: u64) -> (InFlight, Unroutable) {
    let mut in_flight = InFlight::default();
    for tag in 1..=count {
        assert!(in_flight.deliver(tag));
        in_flight.publish(tag, tag, &message(tag));
        in_flight.complete(tag, Vec::new());
    }
    (in_flight, Unroutable::default())
}

#[test]
fn a_nacked_reply_requeues_its_delivery_although_a_later_ack_covers_it() {
    let (mut in_flight, mut unroutable) = replied(3);
    assert_eq!(in_flight.confirm(nack(2), &mut unroutable).requeue, [2]);
    in_flight.requeue(2);
    assert!(in_flight.confirm(ack_up_to(3), &mut unroutable).requeue.is_empty());
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(3));
}

#[test]
fn an_acknowledgeable_delivery_is_returned_once() {
    let (mut in_flight, mut unroutable) = replied(1);
    in_flight.confirm(ack(1), &mut unroutable);
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(1));
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), None);
}

#[test]
fn an_ack_does_not_cover_a_delivery_that_was_not_polled() {
    let mut in_flight = InFlight::default();
    for tag in [1, 3] {
        assert!(in_flight.deliver(tag));
        in_flight.complete(tag, Vec::new());
    }
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(1), "delivery 2 was not polled yet");
    assert!(in_flight.deliver(2));
    in_flight.complete(2, Vec::new());
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(3));
}

#[test]
fn entries_are_logged_when_everything_is_confirmed() {
    let (mut in_flight, mut unroutable) = (InFlight::default(), Unroutable::default());
    let entry = Entry::new(Severity::Info, "sent", &());
    assert!(in_flight.deliver(1));
    in_flight.publish(1, 1, &message(1));
    in_flight.publish(2, 1, &message(2));
    assert_eq!(in_flight.complete(1, vec![entry.clone()]), []);
    assert_eq!(in_flight.confirm(ack(2), &mut unroutable).log, []);
    assert_eq!(in_flight.confirm(ack(1), &mut unroutable).log, [entry]);
}

#[test]
fn entries_are_logged_at_once_when_nothing_is_published() {
    let mut in_flight = InFlight::default();
    let entry = Entry::new(Severity::Info, "consumed", &());
    assert!(in_flight.deliver(1));
    assert_eq!(in_flight.complete(1, vec![entry.clone()]), [entry]);
}

#[test]
fn a_queue_is_unroutable_until_a_message_is_confirmed_without_being_returned() {
    let (mut in_flight, mut unroutable) = replied(2);
    unroutable.add_missing("out");
    in_flight.mark_returned(&returned(1));
    in_flight.confirm(ack(1), &mut unroutable);
    assert!(unroutable.contains("out"), "the confirm of the returned message counts as arrival");
    in_flight.confirm(ack(2), &mut unroutable);
    assert!(!unroutable.contains("out"));
}

#[test]
fn a_returned_reply_counts_as_published() {
    let (mut in_flight, mut unroutable) = replied(1);
    assert!(in_flight.mark_returned(&returned(1)), "it is a reply");
    assert!(in_flight.confirm(ack(1), &mut unroutable).accepted);
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(1));
}

#[test]
fn a_returned_reply_that_must_arrive_requeues_its_delivery() {
    let (mut in_flight, mut unroutable) = replied(1);
    in_flight.mark_returned(&returned(1));
    in_flight.require_arrival(&returned(1));
    let settlement = in_flight.confirm(ack(1), &mut unroutable);
    assert_eq!((settlement.requeue, settlement.accepted), (vec![1], false));
}

#[test]
fn a_returned_forward_requeues_its_delivery() {
    let (mut in_flight, mut unroutable) = (InFlight::default(), Unroutable::default());
    assert!(in_flight.deliver(1));
    in_flight.forward(1, 1, "out", Some("1"), 10);
    in_flight.complete(1, Vec::new());
    assert!(!in_flight.mark_returned(&returned(1)), "it is not a reply");
    assert_eq!(in_flight.confirm(ack(1), &mut unroutable).requeue, [1]);
}

#[test]
fn deliveries_behind_a_parked_one_are_acknowledged_one_by_one() {
    let (mut in_flight, mut unroutable) = (InFlight::default(), Unroutable::default());
    for tag in 1..=4 {
        assert!(in_flight.deliver(tag));
    }
    in_flight.park(2);
    for tag in [1, 3, 4] {
        in_flight.publish(tag, tag, &message(tag));
        in_flight.complete(tag, Vec::new());
    }
    in_flight.confirm(ack(4), &mut unroutable);
    assert_eq!(in_flight.take_each_acknowledgeable(u64::MAX), [4]);
    in_flight.confirm(ack_up_to(3), &mut unroutable);
    assert_eq!(in_flight.take_each_acknowledgeable(u64::MAX), [1, 3]);
}

#[test]
fn a_parked_delivery_is_acknowledged_when_its_forward_is_confirmed() {
    let (mut in_flight, mut unroutable) = (InFlight::default(), Unroutable::default());
    assert!(in_flight.deliver(1));
    in_flight.park(1);
    in_flight.forward(1, 1, "own", None, 10);
    in_flight.complete(1, Vec::new());
    assert!(in_flight.take_each_acknowledgeable(u64::MAX).is_empty() && in_flight.has_parked());
    in_flight.confirm(ack(1), &mut unroutable);
    assert_eq!(in_flight.take_each_acknowledgeable(u64::MAX), [1]);
    assert!(!in_flight.has_parked());
}

#[test]
fn a_forwarded_delivery_is_not_requeued_with_those_before_it() {
    let (mut in_flight, mut unroutable) = replied(1);
    for tag in 2..=3 {
        assert!(in_flight.deliver(tag));
        in_flight.forward(tag, tag, "own", None, 10);
        in_flight.complete(tag, Vec::new());
    }
    assert_eq!(in_flight.unacknowledged_from(1), [1], "there would be two copies");
    in_flight.confirm(ack(2), &mut unroutable);
    assert_eq!(in_flight.unacknowledged_from(1), [1], "there would be two copies");
    in_flight.confirm(nack(3), &mut unroutable);
    assert_eq!(in_flight.unacknowledged_from(1), [1, 3], "it would be lost: it did not arrive");
}

#[test]
fn unexpected_delivery_tags_are_rejected() {
    let mut in_flight = InFlight::default();
    assert!(in_flight.deliver(1));
    in_flight.complete(1, Vec::new());
    assert_eq!(in_flight.take_acknowledgeable(u64::MAX), Some(1));
    assert!(!in_flight.deliver(1), "the tag was settled");
    assert!(!in_flight.deliver(u64::MAX), "the tag is too far ahead");
    assert!(in_flight.deliver(2));
}

/// How many messages are published for each delivery, and the confirms of the broker: sequence, multiple, accepted.
fn runs() -> impl Strategy<Value = (Vec<usize>, Vec<(u64, bool, bool)>)> {
    (vec(0_usize..4, 1..40), vec((1_u64..100, any::<bool>(), any::<bool>()), 0..120))
}

proptest! {
    #[test]
    fn each_delivery_is_settled_once_and_after_its_confirms((counts, confirms) in runs()) {
        let (mut in_flight, mut unroutable) = (InFlight::default(), Unroutable::default());
        // The delivery of each publish, and the first confirm of each publish: later ones must be ignored.
        let mut tags = BTreeMap::new();
        let mut accepted_by_sequence: BTreeMap<u64, bool> = BTreeMap::new();
        let mut last = 0;
        for (tag, count) in (1_u64..).zip(&counts) {
            assert!(in_flight.deliver(tag));
            for _ in 0..*count {
                last += 1;
                tags.insert(last, tag);
                in_flight.publish(last, tag, &message(last));
            }
            in_flight.complete(tag, Vec::new());
        }
        let final_confirm = (last > 0).then_some((last, true, true));
        let mut requeued = BTreeSet::new();
        let mut acknowledged = 0;
        for (sequence, multiple, accepted) in confirms.into_iter().chain(final_confirm) {
            let first = if multiple { 1 } else { sequence };
            for confirmed in first..=sequence.min(last) {
                accepted_by_sequence.entry(confirmed).or_insert(accepted);
            }
            for tag in in_flight.confirm(Confirm { sequence, multiple, accepted }, &mut unroutable).requeue {
                prop_assert!(requeued.insert(tag), "delivery {} was requeued twice", tag);
                in_flight.requeue(tag);
            }
            if let Some(up_to) = in_flight.take_acknowledgeable(u64::MAX) {
                prop_assert!(up_to > acknowledged, "delivery {} was acknowledged twice", up_to);
                for (sequence, tag) in &tags {
                    let is_acknowledged = *tag <= up_to && !requeued.contains(tag);
                    prop_assert!(!is_acknowledged || accepted_by_sequence.get(sequence) == Some(&true),
                        "delivery {} was acknowledged before publish {} was accepted", tag, sequence);
                }
                acknowledged = up_to;
            }
        }
        let _ = in_flight.take_acknowledgeable(u64::MAX);
        prop_assert!(in_flight.is_confirmed());
        prop_assert_eq!(in_flight.unconfirmed_bytes(), 0);
        for tag in (1_u64..).take(counts.len()) {
            let was_rejected = tags.iter().any(|(sequence, other)| *other == tag && !accepted_by_sequence[sequence]);
            prop_assert_eq!(requeued.contains(&tag), was_rejected, "delivery {}", tag);
        }
    }
}
