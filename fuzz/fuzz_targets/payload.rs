//! Bodies: what is taken for an object can be read as one, and what is written can be read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use valawai::payload::{self, Shape};

fuzz_target!(|body: &[u8]| {
    let shape = payload::shape(body);
    let Ok(object) = payload::read::<Map<String, Value>>(body) else { return };
    assert!(matches!(shape, Shape::Object(_)), "read as an object, and taken for {shape:?}");
    if let Ok(written) = payload::write(&object) {
        let again: Map<String, Value> = payload::read(&written).expect("what was written can be read");
        assert_eq!(again, object);
    }
});
