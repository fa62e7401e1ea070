//! Consumers: their prefetch, fairness, cancelling and exclusive access.

use std::convert::Infallible;

use valawai::internals::broker::{Access, Error};
use valawai::internals::clock;
use valawai::internals::message::Outgoing;

use super::{
    Broker, LIMIT, QUEUE, assert_first_messages, assert_no_event, next_delivery, number_in, publish, receive, spawn,
    wait_for_last_confirm, wait_for_release, with_link,
};

pub(crate) fn the_prefetch_limits_the_deliveries_in_flight(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        let first = next_delivery(link);
        next_delivery(link);
        assert_no_event(link, true, "two deliveries are in flight");
        link.acknowledge_up_to(first.tag).unwrap();
        assert_eq!(number_in(&next_delivery(link)), 2);
    });
}

pub(crate) fn changing_the_prefetch_loses_nothing_and_keeps_the_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..200);
        link.consume(QUEUE, Access::Shared, 5).unwrap();
        for expected in 0..200 {
            let delivery = next_delivery(link);
            assert_eq!(number_in(&delivery), expected);
            if expected % 20 == 7 {
                link.set_prefetch(0, [50, 2, 9][expected / 20 % 3]).unwrap();
            }
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_no_event(link, true, "all messages were delivered");
    });
}

pub(crate) fn a_queue_with_many_messages_does_not_starve_another(broker: &dyn Broker) {
    const OTHER: &str = "valawai/c1/test/data/other";
    with_link(broker, |link| {
        publish(link, 0..2000);
        link.declare(OTHER).unwrap();
        let sequence = link.publish(&Outgoing::new(OTHER, b"2000".to_vec())).unwrap();
        wait_for_last_confirm(link, sequence);
        link.consume(QUEUE, Access::Shared, 100).unwrap();
        link.consume(OTHER, Access::Shared, 100).unwrap();
        for _ in 0..1000 {
            let delivery = next_delivery(link);
            link.acknowledge_up_to(delivery.tag).unwrap();
            if delivery.consumer == 1 {
                return;
            }
        }
        panic!("a thousand messages of one queue were delivered before the only one of another");
    });
}

pub(crate) fn deliveries_are_polled_only_on_request(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..1);
        link.consume(QUEUE, Access::Shared, 2).unwrap();
        assert_no_event(link, false, "no deliveries were requested");
        assert_eq!(number_in(&next_delivery(link)), 0);
    });
}

pub(crate) fn a_cancelled_link_receives_nothing_and_can_still_settle(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = next_delivery(link);
        link.cancel().unwrap();
        assert_no_event(link, true, "the link was cancelled");
        link.acknowledge_up_to(first.tag).unwrap();
    });
}

pub(crate) fn cancelling_requeues_what_was_not_polled(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = next_delivery(link);
        link.cancel().unwrap();
        link.acknowledge_up_to(first.tag).unwrap();
    });
    assert_first_messages(broker, [1, 2], "they were not polled");
}

pub(crate) fn an_exclusive_consumer_is_a_lock(broker: &dyn Broker) {
    let (release, released) = crossbeam_channel::bounded::<Infallible>(0);
    let (locked, is_locked) = crossbeam_channel::bounded(1);
    let mut holder = broker.connect();
    spawn(&mut *holder, move |link| {
        link.declare(QUEUE).unwrap();
        locked.send(link.consume(QUEUE, Access::Exclusive, 1)).unwrap();
        wait_for_release(&released);
    });
    receive(&is_locked, "the holder did not try").expect("the first consumer gets the lock");

    for access in [Access::Exclusive, Access::Shared] {
        let result = with_link(broker, move |link| link.consume(QUEUE, access, 1));
        assert!(matches!(result, Err(Error::LockHeld { .. })), "{access:?}: the second consumer got {result:?}");
    }

    drop(release);
    assert!(holder.close(clock::now() + LIMIT).is_none());
    with_link(broker, |link| link.consume(QUEUE, Access::Exclusive, 1)).expect("the lock was released");
}

pub(crate) fn the_consumers_of_a_queue_are_counted(broker: &dyn Broker) {
    with_link(broker, |link| {
        assert_eq!(link.consumers(QUEUE).unwrap(), None, "the queue does not exist");
        link.declare(QUEUE).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(0));
        link.consume(QUEUE, Access::Shared, 1).unwrap();
        assert_eq!(link.consumers(QUEUE).unwrap(), Some(1));
    });
}
