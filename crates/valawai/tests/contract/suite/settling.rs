//! Acknowledging and requeueing deliveries.

use valawai::internals::broker::{Access, Delivery, Error};

use super::{Broker, QUEUE, assert_first_messages, next_delivery, number_in, publish, with_link};

pub(crate) fn a_requeued_message_is_delivered_again(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..2);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let (first, second) = (next_delivery(link), next_delivery(link));
        link.requeue(first.tag).unwrap();
        let again = next_delivery(link);
        assert_eq!(number_in(&again), 0);
        link.acknowledge_up_to(second.tag).unwrap();
        link.acknowledge_up_to(again.tag).unwrap();
    });
}

pub(crate) fn an_unacknowledged_message_is_delivered_again_after_its_link_has_ended(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..3);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let first = next_delivery(link);
        next_delivery(link);
        link.acknowledge_up_to(first.tag).unwrap();
    });
    assert_first_messages(broker, [1, 2], "they were not acknowledged");
}

pub(crate) fn an_acknowledgement_covers_all_earlier_deliveries(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..5);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let deliveries: Vec<Delivery> = (0..5).map(|_| next_delivery(link)).collect();
        link.requeue(deliveries[1].tag).unwrap();
        link.acknowledge_up_to(deliveries[3].tag).unwrap();
        let settled_again = link.acknowledge_up_to(deliveries[0].tag);
        assert!(matches!(settled_again, Err(Error::Lost { .. })), "a delivery was settled twice");
    });
    assert_first_messages(broker, [1, 4], "1 was requeued, and 4 was not acknowledged");
}
