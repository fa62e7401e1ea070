//! Names of channels, and identifiers: what is parsed is printed unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::name::{ChannelName, Id};

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<ChannelName>() {
        assert_eq!(name.queue().to_string(), text);
    }
    if let Ok(id) = text.parse::<Id>() {
        // Identifiers are accepted in any case and kept in lower case.
        assert_eq!(id.as_str(), text.to_lowercase());
    }
});
