//! Parsers from text to types. A parser returns what it expected; the caller adds the name of the variable.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use log::LevelFilter;

use crate::component::settings;
use crate::logs::Format;
use crate::secret::holds_credentials;

/// What a parser expected in place of the text.
pub(super) type Expected = String;

/// The allowed seconds between heartbeats.
pub(super) const HEARTBEAT: RangeInclusive<u16> = 1..=3600;

pub(super) fn number<T>(allowed: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, Expected>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| {
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| format!("a number from {} to {}", allowed.start(), allowed.end()))
    }
}

pub(super) fn seconds(allowed: RangeInclusive<f64>) -> impl Fn(&str) -> Result<Duration, Expected> {
    move |text| {
        let seconds = number(allowed.clone())(text).map(Duration::from_secs_f64);
        seconds.map_err(|expected| format!("{expected}, in seconds"))
    }
}

pub(super) fn milliseconds(allowed: RangeInclusive<u64>) -> impl Fn(&str) -> Result<Duration, Expected> {
    move |text| {
        let milliseconds = number(allowed.clone())(text).map(Duration::from_millis);
        milliseconds.map_err(|expected| format!("{expected}, in milliseconds"))
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, Expected> {
    number(0.0..=1.0)(text)
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, Expected> {
    settings::yes_or_no(text).ok_or_else(|| "1 or 0".to_owned())
}

/// A log level, in any case. Python's names are accepted as well: other components of the platform use them.
pub(super) fn level(text: &str) -> Result<LevelFilter, Expected> {
    match text.to_ascii_uppercase().as_str() {
        "OFF" => Ok(LevelFilter::Off),
        "CRITICAL" | "FATAL" | "ERROR" => Ok(LevelFilter::Error),
        "WARNING" | "WARN" => Ok(LevelFilter::Warn),
        "INFO" => Ok(LevelFilter::Info),
        "DEBUG" => Ok(LevelFilter::Debug),
        "TRACE" | "NOTSET" => Ok(LevelFilter::Trace),
        _ => Err("a level: ERROR, WARN, INFO, DEBUG or OFF".to_owned()),
    }
}

/// The levels of modules, as in `{"valawai::mov": "DEBUG"}`.
pub(super) fn levels(text: &str) -> Result<Vec<(String, LevelFilter)>, Expected> {
    let expected = || r#"the levels of up to 100 modules, as in {"valawai::mov": "DEBUG"}"#.to_owned();
    let levels: BTreeMap<String, String> = serde_json::from_str(text).map_err(|_| expected())?;
    if levels.len() > 100 {
        return Err(expected());
    }
    levels.into_iter().map(|(module, text)| Ok((module, level(&text).map_err(|_| expected())?))).collect()
}

pub(super) fn log_format(text: &str) -> Result<Format, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("`text` or `json`".to_owned()),
    }
}

/// Whether the environment is above the key-value store.
pub(super) fn precedence(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "env" => Ok(true),
        "store" => Ok(false),
        _ => Err("`store`, or `env` for the environment first".to_owned()),
    }
}

/// Any text without credentials.
pub(super) fn text(text: &str) -> Result<String, Expected> {
    if holds_credentials(text) { Err("text without a login".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn folder(text: &str) -> Result<std::path::PathBuf, Expected> {
    if holds_credentials(text) { Err("a folder".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn words(text: &str) -> Result<Vec<String>, Expected> {
    self::text(text).map(|text| text.split(',').map(|word| word.trim().to_owned()).collect())
}

pub(super) fn file_name(text: &str) -> Result<String, Expected> {
    let is_one_name = !matches!(text, "." | "..") && !text.contains(['/', '\0']) && !holds_credentials(text);
    if is_one_name { Ok(text.to_owned()) } else { Err("a file name without a folder".to_owned()) }
}

/// The name of a file.
pub(super) fn file(text: &str) -> Result<std::path::PathBuf, Expected> {
    if holds_credentials(text) { Err("a file".to_owned()) } else { Ok(text.into()) }
}

/// Whether the login is the client certificate.
pub(super) fn is_external(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "external" => Ok(true),
        "password" => Ok(false),
        _ => Err("`password`, or `external` for a client certificate instead".to_owned()),
    }
}

pub(super) fn http_url(text: &str) -> Result<String, Expected> {
    let expected = || "a URL as in http://mov:8080 or https://mov; the MOV requires no login".to_owned();
    let uri: ureq::http::Uri = text.parse().map_err(|_| expected())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if is_http && !text.contains(['@', '?', '#']) { Ok(text.to_owned()) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_may_have_their_names_in_python() {
        for (text, expected) in
            [("WARNING", LevelFilter::Warn), ("critical", LevelFilter::Error), ("Fatal", LevelFilter::Error)]
        {
            assert_eq!(level(text), Ok(expected));
        }
    }

    #[test]
    fn an_unknown_level_is_rejected() {
        assert!(level("LOUD").is_err());
    }

    #[test]
    fn a_number_outside_its_range_is_rejected() {
        assert_eq!(number(1..=10_u16)("10"), Ok(10));
        for text in ["0", "11", "5672.", "-1", "", "1e1"] {
            assert_eq!(number(1..=10_u16)(text), Err("a number from 1 to 10".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn seconds_are_finite_and_may_have_decimals() {
        assert_eq!(seconds(0.0..=10.0)("0.5"), Ok(Duration::from_millis(500)));
        for text in ["NaN", "inf", "-0.1", "11"] {
            assert_eq!(seconds(0.0..=10.0)(text), Err("a number from 0 to 10, in seconds".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn an_http_url_is_accepted() {
        assert!(http_url("http://mov:8080").is_ok());
        assert!(http_url("https://mov").is_ok());
    }

    #[test]
    fn an_http_url_with_a_login_or_a_query_is_rejected() {
        for text in
            ["https://", "mov:8080", "http://", "ftp://mov", "http://mov/?a=b", "http://me:hunter2@mov", "nonsense"]
        {
            assert!(http_url(text).is_err(), "{text:?} was accepted");
        }
    }
}
