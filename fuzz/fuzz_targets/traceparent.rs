//! The headers of a trace: what is read is written as it was, and what is malformed is ignored.
#![no_main]

use libfuzzer_sys::fuzz_target;
use valawai::Trace;

fuzz_target!(|text: &str| {
    let (parent, state) = text.split_once('\n').map_or((text, None), |(parent, state)| (parent, Some(state)));
    let Ok(trace) = Trace::from_headers(parent, state) else { return };
    let written = trace.traceparent();
    assert_eq!(Trace::from_headers(&written, trace.tracestate()), Ok(trace.clone()));
    // The identifiers are those of the text, and the sampling decision is the sender's.
    let trimmed = parent.trim_matches([' ', '\t']);
    assert_eq!(trimmed[3..52], written[3..52]);
    assert!(!trimmed.starts_with("ff") && (trimmed.len() == written.len() || !trimmed.starts_with("00")));
    let flags = u8::from_str_radix(&trimmed[53..55], 16).expect("flags");
    assert_eq!(trace.is_sampled(), flags & 1 == 1);
    if let Some(kept) = trace.tracestate() {
        assert_eq!(state.map(|state| state.trim_matches([' ', '\t'])), Some(kept));
        assert!(kept.len() <= 2048 && kept.bytes().all(|byte| byte == b'\t' || matches!(byte, b' '..=b'~')));
    }
});
