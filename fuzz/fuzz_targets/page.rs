//! The MOV's page of registrations: only an answer to our question counts, and only well-formed identifiers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::mov::notice::registrations_in;
use valawai::mov::component_info::ComponentInfo;
use valawai::name::Level;

fuzz_target!(|body: &[u8]| {
    let info = ComponentInfo {
        name: "c1_echo".into(),
        level: Level::C1,
        version: "1.0.0",
        asyncapi: "channels: {}",
        channels: Vec::new(),
    };
    if let Some(notices) = registrations_in(body, &info, "question") {
        let text = String::from_utf8_lossy(body);
        assert!(text.contains("question") || text.contains('\\'), "no answer to our question");
        assert!(notices.iter().all(|notice| notice.id.as_str().len() == 24 && notice.whole["name"] == "c1_echo"));
    }
});
