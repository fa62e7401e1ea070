//! `asyncapi.yaml`: any text is parsed or rejected, with lines that exist, and all channels belong to one component.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::asyncapi::{Contract, Finding};

fuzz_target!(|text: &str| {
    match Contract::parse(text) {
        Ok(contract) => {
            check_channels(&contract);
            check_lines(contract.warnings(), text);
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "a contract was rejected without a reason");
            check_lines(&errors, text);
        }
    }
});

fn check_channels(contract: &Contract) {
    let name = contract.component_name();
    assert!(!contract.channels().is_empty(), "a contract without channels was accepted");
    for channel in contract.channels() {
        assert_eq!(channel.name.level(), contract.level());
        assert_eq!(format!("{}_{}", channel.name.level().lower(), channel.name.component()), name);
        assert!(contract.channel(channel.name.short()).is_some(), "{} is not found", channel.name.short());
    }
}

fn check_lines(findings: &[Finding], text: &str) {
    // YAML also ends lines with a carriage return.
    let lines = text.split(['\n', '\r']).count();
    for finding in findings {
        assert!((1..=lines).contains(&finding.line), "of {lines} lines: {finding}");
    }
}
