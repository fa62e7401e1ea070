//! Payloads: an object is recognized as one, and a written payload can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use valawai::internals::payload::{self, Shape};

fuzz_target!(|body: &[u8]| {
    let shape = payload::shape(body);
    let Ok(object) = payload::read::<Map<String, Value>>(body) else { return };
    assert!(matches!(shape, Shape::Object(_)), "an object was classified as {shape:?}");
    if let Ok(written) = payload::write(&object) {
        let read: Map<String, Value> = payload::read(&written).expect("a written payload can be read");
        assert_eq!(read, object);
    }
});
