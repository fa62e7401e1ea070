//! The cases of the test suite that W3C publishes with Trace Context, and random ones.

use proptest::prelude::*;

use super::*;

const ID: &str = "12345678901234567890123456789012";

#[track_caller]
fn assert_valid(text: &str) {
    let trace: Trace = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!((trace.trace_id(), trace.span_id()), (ID.to_owned(), "1234567890123456".to_owned()), "{text:?}");
}

#[test]
fn the_published_cases_of_valid_parents_are_read() {
    for text in [
        "00-12345678901234567890123456789012-1234567890123456-01",
        " 00-12345678901234567890123456789012-1234567890123456-01",
        "\t 00-12345678901234567890123456789012-1234567890123456-01 \t",
        "cc-12345678901234567890123456789012-1234567890123456-01",
        "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
    ] {
        assert_valid(text);
    }
}

#[test]
fn the_published_cases_of_invalid_parents_are_refused() {
    for text in [
        "",
        "00",
        "00-12345678901234567890123456789012-1234567890123456-01.",
        "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
        "ff-12345678901234567890123456789012-1234567890123456-01",
        ".0-12345678901234567890123456789012-1234567890123456-01",
        "0.-12345678901234567890123456789012-1234567890123456-01",
        "000-12345678901234567890123456789012-1234567890123456-01",
        "0000-12345678901234567890123456789012-1234567890123456-01",
        "0-12345678901234567890123456789012-1234567890123456-01",
        "00-00000000000000000000000000000000-1234567890123456-01",
        "00-.2345678901234567890123456789012-1234567890123456-01",
        "00-1234567890123456789012345678901.-1234567890123456-01",
        "00-123456789012345678901234567890123-1234567890123456-01",
        "00-1234567890123456789012345678901-1234567890123456-01",
        "00-12345678901234567890123456789012-0000000000000000-01",
        "00-12345678901234567890123456789012-.234567890123456-01",
        "00-12345678901234567890123456789012-123456789012345.-01",
        "00-12345678901234567890123456789012-12345678901234567-01",
        "00-12345678901234567890123456789012-123456789012345-01",
        "00-12345678901234567890123456789012-1234567890123456-.0",
        "00-12345678901234567890123456789012-1234567890123456-0.",
        "00-12345678901234567890123456789012-1234567890123456-001",
        "00-12345678901234567890123456789012-1234567890123456-1",
        // Upper case, other separators, signs, and characters of several bytes.
        "00-1234567890ABCDEF7890123456789012-1234567890123456-01",
        "00_12345678901234567890123456789012_1234567890123456_01",
        "00-+2345678901234567890123456789012-+234567890123456-01",
        "00-1234567890123456789012345678901é-1234567890123456-0",
    ] {
        assert_eq!(text.parse::<Trace>(), Err(InvalidTrace), "{text:?}");
    }
    let long = format!("cc-{ID}-1234567890123456-01-{}", "x".repeat(LONGEST_PARENT));
    assert_eq!(long.parse::<Trace>(), Err(InvalidTrace));
}

#[track_caller]
fn assert_state(state: &str, expected: Option<&str>) {
    let trace = Trace::from_headers(&format!("00-{ID}-1234567890123456-00"), Some(state)).expect("a valid parent");
    assert_eq!(trace.tracestate(), expected, "{state:?}");
}

#[test]
fn the_published_cases_of_valid_states_are_passed_on() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|each| !matches!(each, ',' | '=')).collect();
    for state in [
        "foo=1",
        "foo=1,bar=2",
        "foo=1 \t , \t bar=2, \t baz=3",
        "foo=1,,bar=2",
        &format!("{key}={value}"),
        &format!("{key}@a-z0-9_-*/={value}"),
        &format!("foo=1,{}=1", "z".repeat(256)),
        &format!("foo=1,{}@{}=1", "t".repeat(241), "v".repeat(14)),
    ] {
        assert_state(state, Some(state));
    }
    for state in [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"] {
        assert_state(state, Some("foo=1"));
    }
    let members = |count| (1..=count).map(|number| format!("bar{number:02}={number:02}")).collect::<Vec<_>>().join(",");
    assert_state(&members(32), Some(&members(32)));
    assert_state(&members(33), None);
}

#[test]
fn the_published_cases_of_invalid_states_are_dropped_and_the_parent_is_kept() {
    for state in [
        "",
        ",",
        "foo=1,foo=1",
        "foo=1,foo=2",
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "foo@=1,bar=2",
        "@foo=1,bar=2",
        "foo@@bar=1,bar=2",
        "foo@bar@baz=1,bar=2",
        "foo=bar=baz",
        "foo=,bar=3",
        "foo",
        "foo=\u{1b}[2J",
        "foo=é",
        &format!("foo=1,{}=1", "z".repeat(257)),
        &format!("foo=1,{}@v=1", "t".repeat(242)),
        &format!("foo=1,t@{}=1", "v".repeat(15)),
        &format!("foo={}", "x".repeat(257)),
        &(1..=20).map(|number| format!("k{number}={}", "x".repeat(200))).collect::<Vec<_>>().join(","),
    ] {
        assert_state(state, None);
    }
}

#[test]
fn unknown_flags_are_not_passed_on() {
    for (flags, expected) in [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("fc", "00")] {
        let trace: Trace = format!("00-{ID}-1234567890123456-{flags}").parse().unwrap();
        assert!(trace.traceparent().ends_with(&format!("-{expected}")), "{flags}: {}", trace.traceparent());
    }
}

#[test]
fn a_span_has_the_trace_the_flags_and_the_state_of_its_parent() {
    let mut trace = Trace::from_headers(&format!("00-{ID}-1234567890123456-01"), Some("foo=1")).unwrap();
    trace.enter();
    assert_eq!((trace.trace_id(), trace.tracestate(), trace.is_sampled()), (ID.to_owned(), Some("foo=1"), true));
    assert_eq!(trace.parent_id().as_deref(), Some("1234567890123456"));
    assert_ne!(trace.span_id(), "1234567890123456");
    let sent: Trace = trace.traceparent().parse().unwrap();
    assert_eq!((sent.trace_id(), sent.span_id()), (trace.trace_id(), trace.span_id()));
}

#[test]
fn a_trace_that_begins_is_valid_and_has_no_parent() {
    for is_sampled in [true, false] {
        let trace = Trace::begin(is_sampled);
        let read: Trace = trace.traceparent().parse().unwrap();
        assert_eq!((&read, read.is_sampled(), trace.parent_id()), (&trace, is_sampled, None));
    }
}

proptest! {
    #[test]
    fn what_is_read_is_written_as_it_was(trace_id in 1..=u128::MAX, span_id in 1..=u64::MAX, flags in 0..4_u8) {
        let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
        prop_assert_eq!(text.parse::<Trace>().unwrap().traceparent(), text);
    }

    #[test]
    fn nothing_that_is_read_panics_and_everything_that_is_written_can_be_read(
        parent in "[0-9a-fA-F. -]{0,70}|\\PC{0,80}|[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,9})?",
        state in "[a-z0-9@=, ]{0,60}|\\PC{0,80}",
    ) {
        if let Ok(trace) = Trace::from_headers(&parent, Some(&state)) {
            let again = Trace::from_headers(&trace.traceparent(), trace.tracestate());
            prop_assert_eq!(again, Ok(trace));
        }
    }
}
