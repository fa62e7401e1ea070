//! Texts that are made to exhaust the time, the memory or the stack.

use std::time::{Duration, Instant};

use super::*;

/// Far more than each of them takes, also without optimization on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// The errors of a text, which must be found in time, on the stack of a test.
#[track_caller]
fn errors_in_time(what: &str, text: &str) -> Vec<Finding> {
    let start = Instant::now();
    let (errors, _) = findings(text);
    assert!(start.elapsed() < LIMIT, "{what} took {:?}", start.elapsed());
    errors
}

/// A contract with one channel with this payload, and other definitions.
fn contract(payload: &str, definitions: &str) -> String {
    format!(
        "channels: {{ valawai/c1/a/data/x: {{ subscribe: {{ message: {{ payload: {payload} }} }} }} }}\n{definitions}"
    )
}

/// The YAML parser has a limit of its own for brackets, and it reads ahead.
fn is_nesting(error: &Finding) -> bool {
    ["are nested", "recursion limit exceeded"].iter().any(|text| error.text.contains(text))
}

/// The texts of the numbers below `count`, in a row.
fn repeat(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect::<Vec<_>>().concat()
}

#[test]
fn deep_nesting_is_an_error() {
    for (what, text) in [
        ("brackets", "[".repeat(100_000)),
        ("dashes", "- ".repeat(100_000)),
        ("braces", "{a: ".repeat(100_000)),
        ("indentation", repeat(2_000, |depth| format!("{}a:\n", " ".repeat(depth)))),
    ] {
        let errors = errors_in_time(what, &text);
        assert!(errors.len() == 1 && is_nesting(&errors[0]), "{what}: {errors:?}");
    }
}

#[test]
fn aliases_that_multiply_are_read_or_refused_in_time() {
    // Each line doubles the size. The limit is 50 aliases.
    let doubling = |lines: usize, item: &str, list: &str| {
        let line =
            |line: usize| format!("a{}: &a{} {}\n", line + 1, line + 1, list.replace("LAST", &format!("*a{line}")));
        format!("a0: &a0 {item}\n{}", repeat(lines, line))
    };
    let schemas = doubling(25, "{ type: string }", "{ oneOf: [LAST, LAST] }");
    let text = schemas.clone() + &contract("{ $ref: '#/a25' }", "");
    let errors = errors_in_time("a schema of 2^25 texts", &text);
    assert!(errors.len() == 1 && errors[0].text.contains("more than 200000 parts"), "{errors:?}");
    let values = doubling(24, "[x]", "[LAST, LAST]") + &contract("{ properties: { a: { enum: *a24 } } }", "");
    assert_eq!(errors_in_time("an enumeration of 2^24 texts", &values), []);
    let text = format!("{schemas}a26: [*a1]\n{}", contract("{ properties: {} }", ""));
    assert_only(&errors_in_time("51 aliases", &text), 27, "more than 50 aliases", "51 aliases");
    assert_only(&errors_in_time("itself", "a: &a { b: *a }"), 1, "within its own anchor", "an alias of itself");
}

#[test]
fn references_that_multiply_are_refused_in_time() {
    let definition =
        |number: usize| format!("a{number}: {{ oneOf: [{{ $ref: '#/a{0}' }}, {{ $ref: '#/a{0}' }}] }}\n", number + 1);
    let definitions = repeat(100, definition);
    let text = contract("{ $ref: '#/a0' }", &format!("{definitions}a100: {{ type: string }}"));
    let errors = errors_in_time("a bomb of references", &text);
    assert!(errors.len() == 1 && errors[0].text.contains("more than 200000 parts"), "{errors:?}");
}

#[test]
fn references_without_end_are_refused() {
    let chain = repeat(100_000, |number| format!("a{number}: {{ $ref: '#/a{}' }}\n", number + 1));
    for (what, definitions) in [
        ("a reference to itself", "a0: { $ref: '#/a0' }"),
        ("a circle of references", "a0: { $ref: '#/a1' }\na1: { $ref: '#/a0' }"),
        ("an array of itself", "a0: { type: array, items: { $ref: '#/a0' } }"),
        ("a long chain", &chain),
    ] {
        let errors = errors_in_time(what, &contract("{ $ref: '#/a0' }", definitions));
        assert!(errors.len() == 1 && errors[0].text.contains("contains itself"), "{what}: {errors:?}");
    }
}

#[test]
fn huge_files_are_read_or_refused_in_time() {
    let filler = |length: usize| contract("{ properties: {} }", &format!("filler: '{}'", "é".repeat(length)));
    assert_eq!(errors_in_time("2.9 MiB", &filler(2_900 * 1024)), []);
    let errors = errors_in_time("3.1 MiB", &filler(3_100 * 1024));
    assert_only(&errors, 1, "more than 3145728 characters", "3.1 MiB");
    assert_eq!(
        errors_in_time("a long list", &contract("{ properties: {} }", &format!("l: [{}1]", "1,".repeat(500_000)))),
        []
    );
    let fields = repeat(50_000, |number| format!("a{number}: {{ type: string }}, "));
    assert_eq!(errors_in_time("many fields", &contract(&format!("{{ properties: {{ {fields} }} }}"), "")), []);
    let channel = |number: usize| {
        let direction = ["publish", "subscribe"][number % 2];
        format!("  valawai/c1/a/data/x{number}: {{ {direction}: {{ message: {{ $ref: '#/m' }} }} }}\n")
    };
    let channels = repeat(20_000, channel);
    let text = format!("m: {{ payload: {{ properties: {{ a: {{ type: string }} }} }} }}\nchannels:\n{channels}");
    assert_eq!(errors_in_time("many channels", &text), []);
}

#[test]
fn merge_keys_that_copy_much_are_refused_in_time() {
    let fields = repeat(50_000, |number| format!("a{number}: 1, "));
    let copies = "{ <<: *m }, ".repeat(50);
    let text = format!("m: &m {{ {fields} }}\ncopies: [{copies}]\nchannels: {{}}");
    assert_only(&errors_in_time("merge keys", &text), 2, "copies more than 100000 entries", "merge keys");
}
