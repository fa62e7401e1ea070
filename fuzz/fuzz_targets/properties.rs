//! Properties of deliveries, as amiquip reads them out of bytes: what goes on can be sent, and says the same.
#![no_main]

use std::sync::LazyLock;

use amq_protocol::protocol::basic::{gen_properties, parse_properties};
use libfuzzer_sys::fuzz_target;
use valawai::fuzzing::{forwarded, properties_for, properties_of};
use valawai::message::Outgoing;

/// What a frame may hold: the most that amiquip ever parses at once.
const LARGEST_FRAME: usize = 128 * 1024;

static BUFFER: LazyLock<usize> = LazyLock::new(|| 2 * LARGEST_FRAME);

fuzz_target!(|bytes: &[u8]| {
    let Ok((_, amqp)) = parse_properties(bytes) else { return };
    let ours = properties_of(&amqp);
    let answer = properties_for(&Outgoing { properties: ours.clone(), ..Outgoing::new("queue", Vec::new()) });
    let mut buffer = vec![0; *BUFFER];
    gen_properties((&mut buffer, 0), &answer).expect("an answer's properties can be sent");
    let again = properties_of(&answer);
    assert_eq!((again.message_id, again.correlation_id), (ours.message_id, ours.correlation_id));
    assert_eq!(again.conversation_id, ours.conversation_id);

    let moved = forwarded(&amqp, &[("x-attempts", "3")]);
    assert_eq!(properties_of(&moved).message_id, properties_of(&amqp).message_id);
    assert!(moved.expiration().is_none() && moved.user_id().is_none());
});
