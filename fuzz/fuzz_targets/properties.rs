//! The properties of deliveries, as amiquip parses them: those of replies and forwarded messages can be sent.
#![no_main]

use amq_protocol::protocol::basic::{gen_properties, parse_properties};
use libfuzzer_sys::fuzz_target;
use valawai::internals::broker::amqp::fuzzing::{forwarded, properties_for, properties_of};
use valawai::internals::message::Outgoing;

/// The size of a frame: amiquip never parses more at once.
const FRAME_BYTES: usize = 128 * 1024;

fuzz_target!(|bytes: &[u8]| {
    let Ok((_, delivered)) = parse_properties(bytes) else { return };
    let properties = properties_of(&delivered);
    let reply = properties_for(&Outgoing { properties: properties.clone(), ..Outgoing::new("queue", Vec::new()) });
    let mut buffer = vec![0; 2 * FRAME_BYTES];
    gen_properties((&mut buffer, 0), &reply).expect("the properties of a reply can be sent");
    let of_reply = properties_of(&reply);
    assert_eq!(of_reply.message_id, properties.message_id);
    assert_eq!(of_reply.correlation_id, properties.correlation_id);
    assert_eq!(of_reply.conversation_id, properties.conversation_id);
    assert_eq!(of_reply.trace, properties.trace);

    let forwarded = forwarded(&delivered, &[("x-attempts", "3")]);
    assert_eq!(properties_of(&forwarded).message_id, properties.message_id);
    assert!(forwarded.expiration().is_none() && forwarded.user_id().is_none());
});
