//! The bytes from the broker: the result does not depend on how they are split into pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::broker::amqp::fuzzing::scan;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let whole = scan(std::iter::once(stream));
    assert_eq!(scan(stream.chunks(usize::from(size).max(1))), whole, "split into pieces of {size} bytes");
    assert!(whole.is_none_or(|size| size <= stream.len()), "the bodies are larger than the stream");
});
