//! What is said: confirmed, heard, or returned.

use valawai::internals::broker::{Access, Event};
use valawai::internals::message::{Outgoing, Properties};

use super::{Broker, QUEUE, assert_silent, hear, next, number_in, publish, wait_for_confirms, with_link};

pub(super) fn what_is_published_is_confirmed_and_heard_in_order(broker: &dyn Broker) {
    with_link(broker, |link| {
        publish(link, 0..100);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        for expected in 0..100 {
            let delivery = hear(link);
            assert_eq!(number_in(&delivery), expected);
            link.acknowledge_up_to(delivery.tag).unwrap();
        }
        assert_silent(link, true, "all hundred were heard");
    });
}

pub(super) fn properties_travel_with_a_message(broker: &dyn Broker) {
    with_link(broker, |link| {
        link.declare(QUEUE).unwrap();
        let properties = Properties {
            message_id: Some("m-1".into()),
            correlation_id: Some("q-1".into()),
            conversation_id: Some("c-1".into()),
            ..Properties::default()
        };
        let message = Outgoing { properties: properties.clone(), ..Outgoing::new(QUEUE, b"{}".to_vec()) };
        let sequence = link.publish(&message).unwrap();
        wait_for_confirms(link, sequence);
        link.consume(QUEUE, Access::Shared, 10).unwrap();
        let delivery = hear(link);
        assert_eq!(delivery.message.properties, properties);
        link.acknowledge_up_to(delivery.tag).unwrap();
    });
}

pub(super) fn a_mandatory_message_without_a_queue_comes_back_before_its_confirm(broker: &dyn Broker) {
    with_link(broker, |link| {
        let mut message = Outgoing::new("valawai/c1/test/data/nobody", b"{}".to_vec());
        message.properties.message_id = Some("m-1".into());
        assert_eq!(link.publish(&message).unwrap(), 1);
        match next(link, false) {
            Some(Event::Returned(returned)) => {
                assert_eq!(returned.to, "valawai/c1/test/data/nobody");
                assert_eq!(returned.message_id.as_deref(), Some("m-1"));
            }
            other => panic!("waited for the message to come back, and saw {other:?}"),
        }
        wait_for_confirms(link, 1);

        link.publish(&Outgoing { mandatory: false, ..message }).unwrap();
        assert!(matches!(next(link, false), Some(Event::Confirm(_))), "what is not mandatory came back");
    });
}
