//! `asyncapi.yaml`: any text is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::asyncapi::Contract;

fuzz_target!(|text: String| {
    let text: *mut str = Box::into_raw(text.into_boxed_str());
    // SAFETY: the text is freed below, when the contract, which borrows it, is gone.
    if let Ok(contract) = Contract::parse(unsafe { &*text }) {
        assert_eq!(contract.clone().text().as_ptr(), text.cast::<u8>().cast_const());
    }
    // SAFETY: it came from `into_raw` above, and nothing borrows it any more.
    drop(unsafe { Box::from_raw(text) });
});
