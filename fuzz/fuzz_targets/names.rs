//! Names of channels and identifiers: what is read is written back as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::name::{ChannelName, ComponentId};

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<ChannelName>() {
        assert_eq!(name.queue().to_string(), text);
    }
    if let Ok(id) = text.parse::<ComponentId>() {
        // In any case, but kept in small letters.
        assert_eq!(id.as_str(), text.to_lowercase());
    }
});
