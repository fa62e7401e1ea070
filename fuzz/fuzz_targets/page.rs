//! The MOV's page of components: only the answer to the query is accepted, and only well-formed identifiers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::mov::component_info::ComponentInfo;
use valawai::internals::mov::notice::parse_page;
use valawai::internals::name::Level;

/// The identifier of the query, as in the seeds.
const QUERY_ID: &str = "question";

fuzz_target!(|body: &[u8]| {
    let info = ComponentInfo {
        name: "c1_echo".into(),
        level: Level::C1,
        version: "1.0.0",
        asyncapi: "channels: {}",
        channels: Vec::new(),
    };
    if let Some(live) = parse_page(body, &info, QUERY_ID) {
        let text = String::from_utf8_lossy(body);
        // A string with escapes may be equal to the identifier without containing it.
        assert!(text.contains(QUERY_ID) || text.contains('\\'), "the answer to another query was accepted");
        assert!(live.iter().all(|notice| notice.id.as_str().len() == 24 && notice.json["name"] == "c1_echo"));
    }
});
