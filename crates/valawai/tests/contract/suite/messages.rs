//! Publishing, confirms and returned messages.

use valawai::Trace;
use valawai::internals::broker::{Access, Event};
use valawai::internals::message::{Outgoing, Properties};

use super::{
    Broker, MISSING_QUEUE, QUEUE, assert_no_event, next_delivery, next_event, number_in, publish, wait_for_confirms,
    with_link,
};

pub(crate) fn published_messages_are_confirmed_and_delivered_in_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..100);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        for expected in 0..100 {
            let delivery = next_delivery(link);
            assert_eq!(number_in(&delivery), expected);
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_no_event(link, true, "all hundred were delivered");
    });
}

pub(crate) fn a_message_is_delivered_with_its_properties(broker: &dyn Broker) {
    with_link(broker, |link| {
        link.declare(QUEUE).unwrap();
        let properties = Properties {
            message_id: Some("m-1".into()),
            correlation_id: Some("q-1".into()),
            conversation_id: Some("c-1".into()),
            trace: Trace::from_headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("vendor=1"))
                .ok()
                .map(Box::new),
            ..Properties::default()
        };
        let message = Outgoing { properties: properties.clone(), ..Outgoing::new(QUEUE, b"{}".to_vec()) };
        let sequence = link.publish(&message).unwrap();
        wait_for_confirms(link, sequence);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let delivery = next_delivery(link);
        assert_eq!(delivery.message.properties, properties);
        link.acknowledge_up_to(delivery.tag).unwrap();
    });
}

pub(crate) fn an_unroutable_mandatory_message_is_returned_before_its_confirm(broker: &dyn Broker) {
    with_link(broker, |link| {
        let mut message = Outgoing::new(MISSING_QUEUE, b"{}".to_vec());
        message.properties.message_id = Some("m-1".into());
        assert_eq!(link.publish(&message).unwrap(), 1);
        match next_event(link, false) {
            Some(Event::Returned(returned)) => {
                assert_eq!(returned.to, MISSING_QUEUE);
                assert_eq!(returned.message_id.as_deref(), Some("m-1"));
            }
            other => panic!("expected the returned message, got {other:?}"),
        }
        wait_for_confirms(link, 1);
    });
}

pub(crate) fn an_unroutable_message_that_is_not_mandatory_is_only_confirmed(broker: &dyn Broker) {
    with_link(broker, |link| {
        let message = Outgoing { mandatory: false, ..Outgoing::new(MISSING_QUEUE, b"{}".to_vec()) };
        let sequence = link.publish(&message).unwrap();
        wait_for_confirms(link, sequence);
    });
}
