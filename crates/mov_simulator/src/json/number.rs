//! Numbers as Java reads and writes them.

use std::sync::LazyLock;

use regex::Regex;

use super::Json;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$").expect("a valid regular expression")
});

/// Reads a number: integers keep all their digits, all others become IEEE doubles. Jackson reads what exceeds a double as
/// infinity and writes that as a string.
pub(super) fn read(text: &str) -> Option<Json> {
    if !NUMBER.is_match(text) {
        return None;
    }
    if !text.contains(['.', 'e', 'E']) {
        return Some(Json::number(text));
    }
    let value: f64 = text.parse().ok()?;
    Some(match value {
        f64::INFINITY => Json::string("Infinity"),
        f64::NEG_INFINITY => Json::string("-Infinity"),
        finite => Json::Number(double_to_string(finite)),
    })
}

/// The format of `Double.toString`: always with a decimal point, and with an exponent below 10⁻³ and from 10⁷.
fn double_to_string(value: f64) -> String {
    if value == 0.0 || (1e-3..1e7).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:E}");
    if text.contains('.') { text } else { text.replacen('E', ".0E", 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_their_digits_and_fractions_become_doubles() {
        for (text, expected) in [
            ("0", "0"),
            ("-5", "-5"),
            ("100000000000000000000", "100000000000000000000"),
            ("1.50", "1.5"),
            ("-0.0", "-0.0"),
            ("0.1e-3", "1.0E-4"),
            ("12345678.5", "1.23456785E7"),
            ("1e22", "1.0E22"),
            ("1e5", "100000.0"),
        ] {
            assert_eq!(read(text), Some(Json::number(expected)), "{text}");
        }
        assert_eq!(read("1e400"), Some(Json::string("Infinity")));
        assert_eq!(read("-1e400"), Some(Json::string("-Infinity")));
    }

    #[test]
    fn numbers_outside_the_json_grammar_are_rejected() {
        for text in ["", "-", "01", "+1", "1.", ".5", "1e", "1e+", "0x10", "1_000", "--1", "1\n"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
