//! The MOV's notice: what is believed names us, and carries an identifier.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::mov::notice::Notice;
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
    match Notice::parse(body, &info) {
        Ok(notice) => {
            assert_eq!(notice.whole["name"], "c1_echo");
            // The MOV takes an identifier in any case, and so do we, but keep it in small letters.
            assert_eq!(notice.whole["id"].as_str().map(str::to_lowercase).as_deref(), Some(notice.id.as_str()));
        }
        Err(error) => assert!(error.to_string().len() < 2_000, "an endless reason"),
    }
});
