//! The type of a scalar by the rules of YAML 1.1, which `SnakeYAML` follows: `on` is a boolean, `1.0` a number, and
//! `2026-01-31` a date.

use yaml_rust2::parser::Tag;
use yaml_rust2::scanner::TScalarStyle;

use super::Value;

const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

/// Returns `None` for a tag that `SnakeYAML` does not construct.
pub(super) fn resolve(text: String, style: TScalarStyle, tag: Option<&Tag>) -> Option<Value> {
    match tag {
        Some(tag) if tag.handle == STANDARD_TAGS => match tag.suffix.as_str() {
            "str" => Some(Value::Text(text)),
            "null" => Some(Value::Null),
            "bool" | "int" | "float" | "timestamp" | "binary" => Some(Value::Other(text)),
            _ => None,
        },
        // `!` stands for the type that the syntax suggests.
        Some(tag) if tag.suffix.is_empty() => Some(Value::Text(text)),
        Some(_) => None,
        None if style != TScalarStyle::Plain => Some(Value::Text(text)),
        None => Some(resolve_plain(text)),
    }
}

/// Whether `SnakeYAML` constructs lists and maps with this tag.
pub(super) fn is_collection_tag(tag: Option<&Tag>) -> bool {
    tag.is_none_or(|tag| {
        (tag.handle == STANDARD_TAGS && ["map", "seq", "omap", "set", "pairs"].contains(&tag.suffix.as_str()))
            || tag.suffix.is_empty()
    })
}

fn resolve_plain(text: String) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        other if is_boolean(other) || is_number(other) || is_timestamp(other) => Value::Other(text),
        _ => Value::Text(text),
    }
}

fn is_boolean(text: &str) -> bool {
    const WORDS: [&str; 6] = ["yes", "no", "true", "false", "on", "off"];
    // Lower case, upper case, or capitalized.
    let rest = text.get(1..).unwrap_or_default();
    let has_one_case =
        rest.bytes().all(|byte| byte.is_ascii_lowercase()) || text.bytes().all(|byte| byte.is_ascii_uppercase());
    has_one_case && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
        || is_integer(unsigned)
        || is_float(unsigned)
        || is_sexagesimal(unsigned)
}

fn is_integer(text: &str) -> bool {
    if let Some(digits) = text.strip_prefix("0b") {
        is_made_of(digits, |byte| matches!(byte, b'0' | b'1'))
    } else if let Some(digits) = text.strip_prefix("0x") {
        is_made_of(digits, |byte| byte.is_ascii_hexdigit())
    } else if let Some(digits) = text.strip_prefix('0') {
        digits.is_empty() || is_made_of(digits, |byte| matches!(byte, b'0'..=b'7'))
    } else {
        is_decimal(text)
    }
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let has_exponent = exponent.is_some_and(|digits| {
        let digits = digits.strip_prefix(['-', '+']).unwrap_or(digits);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if exponent.is_some() && !has_exponent {
        return false;
    }
    match mantissa.split_once('.') {
        Some(("", fraction)) => is_made_of(fraction, |byte| byte.is_ascii_digit()),
        Some((whole, fraction)) => {
            is_decimal(whole) && (fraction.is_empty() || is_made_of(fraction, |byte| byte.is_ascii_digit()))
        }
        None => has_exponent && is_decimal(mantissa),
    }
}

/// A number with the base 60, as in `1:30` and `1:30.5`.
fn is_sexagesimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').map_or((text, ""), |(whole, fraction)| (whole, fraction));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut others = parts.peekable();
    is_decimal(first)
        && others.peek().is_some()
        && others.all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
        && (fraction.is_empty() || is_made_of(fraction, |byte| byte.is_ascii_digit()))
}

/// A date, or a date with a time.
fn is_timestamp(text: &str) -> bool {
    let date_end = text.find(['T', 't', ' ', '\t']).unwrap_or(text.len());
    let (date, time) = text.split_at(date_end);
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    let is_date = [year, month, day].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && year.len() == 4
        && (1..=2).contains(&month.len())
        && (1..=2).contains(&day.len());
    let is_time = time.matches(':').count() >= 2
        && time[1..].bytes().all(|byte| byte.is_ascii_digit() || b":.+-Z \t".contains(&byte));
    is_date && (is_time || (time.is_empty() && month.len() == 2 && day.len() == 2))
}

fn is_decimal(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && is_made_of(text, |byte| byte.is_ascii_digit())
}

/// Digits and underscores, at least one character.
fn is_made_of(text: &str, is_digit: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'_' || is_digit(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_types_of_yaml_1_1() {
        for text in ["", "~", "null", "NULL"] {
            assert!(matches!(resolve_plain(text.to_owned()), Value::Null), "{text:?} is not null");
        }
        for text in [
            "on",
            "Yes",
            "FALSE",
            "0",
            "-5",
            "+1_000",
            "017",
            "0x1F",
            "0b101",
            "1.0",
            "1.",
            ".5",
            "1e3",
            "-1.5E-3",
            "1:30",
            "1:30.5",
            ".inf",
            "-.INF",
            ".nan",
            "2026-01-31",
            "2026-1-3 10:00:00",
            "2026-01-31T10:00:00.5Z",
        ] {
            assert!(matches!(resolve_plain(text.to_owned()), Value::Other(_)), "{text:?} is a text or null");
        }
        for text in [
            "y", "oN", "nO", "é", "1.0.0", "0129", "0x", "-", ".", "e5", "1e", "1:99", "2026-01", "2026-1-3", "<<",
            "a:b", "C0", "nullable", "+.nan", "10-20-30",
        ] {
            assert!(matches!(resolve_plain(text.to_owned()), Value::Text(_)), "{text:?} is not a text");
        }
    }
}
