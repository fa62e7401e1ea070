//! `asyncapi.yaml`: any text is parsed or rejected, and all channels belong to one component.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::internals::asyncapi::Contract;

fuzz_target!(|text: &str| {
    let Ok(contract) = Contract::parse(text) else { return };
    let name = contract.component_name();
    assert!(!contract.channels().is_empty(), "a contract without channels was accepted");
    for channel in contract.channels() {
        assert_eq!(channel.name.level(), contract.level());
        assert_eq!(format!("{}_{}", channel.name.level().lower(), channel.name.component()), name);
        assert!(contract.channel(channel.name.short()).is_some(), "{} is not found", channel.name.short());
    }
});
