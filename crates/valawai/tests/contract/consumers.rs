//! Who hears a queue, and how much at once.

use std::time::Instant;

use valawai::internals::broker::{Access, Error, Event};
use valawai::internals::message::Outgoing;

use super::{Broker, LIMIT, OWN, QUEUE, assert_silent, hear, next, number_in, publish, with_link};

pub(super) fn no_more_than_the_prefetch_is_in_hand(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        let first = hear(link);
        hear(link);
        assert_silent(link, true, "two are in hand");
        link.acknowledge_up_to(first.tag).unwrap();
        assert_eq!(number_in(&hear(link)), 2);
    });
}

pub(super) fn another_prefetch_loses_nothing_and_keeps_the_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..200);
        link.consume(QUEUE, Access::Shared, 5).unwrap();
        for expected in 0..200 {
            let delivery = hear(link);
            assert_eq!(number_in(&delivery), expected);
            if expected % 20 == 7 {
                link.set_prefetch(0, [50, 2, 9][expected / 20 % 3]).unwrap();
            }
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_silent(link, true, "all of them were heard");
    });
}

pub(super) fn a_queue_with_many_messages_does_not_starve_another(broker: &dyn Broker) {
    const OTHER: &str = "valawai/c1/test/data/other";
    with_link(broker, |link| {
        publish(link, 0..2000);
        link.declare(OTHER).unwrap();
        let sequence = link.publish(&Outgoing::new(OTHER, b"2000".to_vec())).unwrap();
        while !matches!(next(link, false), Some(Event::Confirm(confirm)) if confirm.sequence == sequence) {}
        link.consume(QUEUE, Access::Shared, 100).unwrap();
        link.consume(OTHER, Access::Shared, 100).unwrap();
        for heard_before in 0..1000 {
            let delivery = hear(link);
            link.acknowledge_up_to(delivery.tag).unwrap();
            if delivery.consumer == 1 {
                return;
            }
            assert!(heard_before < 999, "a thousand messages of one queue were heard before the only one of another");
        }
    });
}

pub(super) fn without_intake_nothing_is_heard(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..1);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        assert_silent(link, false, "deliveries were not asked for");
        assert_eq!(number_in(&hear(link)), 0);
    });
}

pub(super) fn a_cancelled_link_hears_no_more_and_can_still_settle(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = hear(link);
        link.cancel().unwrap();
        assert_silent(link, true, "it was cancelled");
        link.acknowledge_up_to(first.tag).unwrap();
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (second, third) = (hear(link), hear(link));
        assert_eq!((number_in(&second), number_in(&third)), (1, 2), "what was not polled went back");
        link.acknowledge_up_to(third.tag).unwrap();
    });
}

pub(super) fn an_exclusive_consumer_is_a_lock(broker: &dyn Broker) {
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let (held, is_held) = crossbeam_channel::bounded(1);
    let mut holder = broker.connect();
    holder
        .spawn(
            "holder",
            OWN,
            Box::new(move |link| {
                let link = link.unwrap();
                link.declare(QUEUE).unwrap();
                held.send(link.consume(QUEUE, Access::Exclusive, 1)).unwrap();
                let _ = released.recv();
            }),
        )
        .unwrap();
    is_held.recv_timeout(LIMIT).unwrap().expect("the first gets the lock");

    let refused = with_link(broker, |link| link.consume(QUEUE, Access::Exclusive, 1));
    assert!(matches!(refused, Err(Error::LockHeld { .. })), "the second got {refused:?}");
    let refused = with_link(broker, |link| link.consume(QUEUE, Access::Shared, 1));
    assert!(matches!(refused, Err(Error::LockHeld { .. })), "one that would share got {refused:?}");

    drop(release);
    assert!(holder.close(Instant::now() + LIMIT).is_none());
    with_link(broker, |link| link.consume(QUEUE, Access::Exclusive, 1)).expect("the lock is free again");
}

pub(super) fn the_consumers_of_a_queue_are_counted(broker: &dyn Broker) {
    with_link(broker, |link| {
        assert_eq!(link.consumers(QUEUE).unwrap(), None, "there is no such queue");
        link.declare(QUEUE).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(0));
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(1));
    });
}
