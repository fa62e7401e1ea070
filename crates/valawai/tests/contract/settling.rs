//! What is heard: acknowledged, given back, or heard again.

use valawai::internals::broker::{Access, Delivery, Error};

use super::{Broker, QUEUE, hear, number_in, publish, with_link};

pub(super) fn what_was_given_back_is_heard_again(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..2);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (first, second) = (hear(link), hear(link));
        link.requeue(first.tag).unwrap();
        let again = hear(link);
        assert_eq!(number_in(&again), 0);
        link.acknowledge_up_to(second.tag).unwrap();
        link.acknowledge_up_to(again.tag).unwrap();
    });
}

pub(super) fn what_was_not_acknowledged_is_heard_again_when_the_link_has_ended(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = hear(link);
        hear(link);
        link.acknowledge_up_to(first.tag).unwrap();
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (second, third) = (hear(link), hear(link));
        assert_eq!((number_in(&second), number_in(&third)), (1, 2));
        link.acknowledge_up_to(third.tag).unwrap();
    });
}

pub(super) fn an_acknowledgement_covers_the_deliveries_before_it(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let deliveries: Vec<Delivery> = (0..5).map(|_| hear(link)).collect();
        link.requeue(deliveries[1].tag).unwrap();
        link.acknowledge_up_to(deliveries[3].tag).unwrap();
        assert!(matches!(link.acknowledge_up_to(deliveries[0].tag), Err(Error::Lost { .. })), "it was settled already");
    });
    with_link(broker, |link| {
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (first, second) = (hear(link), hear(link));
        let left = [number_in(&first), number_in(&second)];
        assert!(left == [1, 4], "1 was given back and 4 was not acknowledged, but {left:?} are left");
        link.acknowledge_up_to(second.tag).unwrap();
    });
}
