//! The MOV's page of registrations: only an answer to our question counts, and only well-formed identifiers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::mov::payloads::{Profile, registrations_in};
use valawai::name::Level;

fuzz_target!(|body: &[u8]| {
    let profile = Profile { name: "c1_echo".into(), level: Level::C1, version: "1.0.0", asyncapi: "channels: {}" };
    if let Some(ids) = registrations_in(body, &profile, "question") {
        let text = String::from_utf8_lossy(body);
        assert!(text.contains("question") || text.contains('\\'), "no answer to our question");
        assert!(ids.iter().all(|id| id.as_str().len() == 24));
    }
});
