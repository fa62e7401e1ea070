use super::*;

fn written(text: &str) -> String {
    read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

#[test]
fn the_last_value_of_a_repeated_name_takes_the_first_position() {
    assert_eq!(written(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
}

#[test]
fn comments_are_white_space() {
    assert_eq!(written("/* first */ {\"a\": // second\n [1, /**/ 2]} // third"), r#"{"a":[1,2]}"#);
}

#[test]
fn escapes_are_resolved() {
    let text = r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#;
    assert_eq!(read(text.as_bytes()), Ok(Json::string("\"\\/\u{8}\u{c}\n\r\té😀")));
}

#[test]
fn an_unpaired_surrogate_is_accepted() {
    assert_eq!(read(br#""\ud800""#), Ok(Json::string("\u{FFFD}")));
    assert_eq!(read(br#""\ud800\u0041""#), Ok(Json::string("\u{FFFD}A")));
    assert_eq!(read(br#""\ude00x""#), Ok(Json::string("\u{FFFD}x")));
}

#[test]
fn nesting_is_limited_to_1000_levels() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(read(nested(MAX_DEPTH + 1).as_bytes()).is_err());
}

#[test]
fn names_and_numbers_are_limited() {
    let with_name = |length: usize| format!("{{\"{}\":1}}", "n".repeat(length));
    assert!(read(with_name(MAX_NAME_BYTES).as_bytes()).is_ok());
    assert!(read(with_name(MAX_NAME_BYTES + 1).as_bytes()).is_err());
    assert!(read("1".repeat(MAX_NUMBER_BYTES).as_bytes()).is_ok());
    assert!(read("1".repeat(MAX_NUMBER_BYTES + 1).as_bytes()).is_err());
}

#[test]
fn what_jackson_rejects_is_rejected() {
    let rejected = [
        "",
        " ",
        "{",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "NaN",
        "-Infinity",
        "nulls",
        "{} {}",
        "\"a\nb\"",
        "\"a",
        r#""\x""#,
        r#""\u12""#,
        r#""\u+123""#,
        "\"\\",
        "\"\\é\"",
        "/* {}",
        "/ {}",
    ];
    for text in rejected {
        assert!(read(text.as_bytes()).is_err(), "{text:?} was accepted");
    }
    assert!(read(b"\"\xff\"").is_err());
}
