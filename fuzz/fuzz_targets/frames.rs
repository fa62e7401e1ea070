//! The broker's bytes: however they are cut into pieces, the verdict is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::fuzzing::follow;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let whole = follow(std::iter::once(stream));
    assert_eq!(follow(stream.chunks(usize::from(size).max(1))), whole, "cut into pieces of {size} bytes");
    assert!(whole.is_none_or(|count| count <= stream.len()), "more bytes of bodies than bytes");
});
