//! The MOV's notice: one that is accepted has the component's name and a valid identifier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::mov::component_info::ComponentInfo;
use valawai::internals::mov::notice::Notice;
use valawai::internals::name::Level;

fuzz_target!(|body: &[u8]| {
    let info = ComponentInfo {
        name: "c1_echo".into(),
        level: Level::C1,
        version: "1.0.0",
        asyncapi: "channels: {}",
        channels: Vec::new(),
    };
    match Notice::parse(body, &info) {
        Ok(notice) => {
            assert_eq!(notice.json["name"], "c1_echo");
            // Identifiers are accepted in any case and kept in lower case.
            assert_eq!(notice.json["id"].as_str().map(str::to_lowercase).as_deref(), Some(notice.id.as_str()));
        }
        Err(error) => assert!(error.to_string().len() < 2_000, "the error message is too long"),
    }
});
