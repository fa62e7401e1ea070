//! From text to types. A parser says what it expected; who called it knows of which variable.

use std::ops::RangeInclusive;
use std::str::FromStr;

use log::LevelFilter;

use crate::secret::holds_credentials;

/// What a text should have been.
pub(super) type Expected = String;

/// Seconds between heartbeats.
pub(super) const HEARTBEAT: RangeInclusive<u16> = 1..=3600;

/// A host's name, and its port if it has one of its own.
pub(super) type Place = (String, Option<u16>);

/// Hosts that are tried in turn, at the most.
const MOST_HOSTS: usize = 16;

pub(super) fn number<T>(allowed: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, Expected>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| {
        let number = text.parse().ok().filter(|number| allowed.contains(number));
        number.ok_or_else(|| format!("a number from {} to {}", allowed.start(), allowed.end()))
    }
}

pub(super) fn seconds(allowed: RangeInclusive<f64>) -> impl Fn(&str) -> Result<std::time::Duration, Expected> {
    move |text| {
        let seconds = text.parse().ok().filter(|seconds: &f64| allowed.contains(seconds));
        let expected = || format!("seconds, from {} to {}", allowed.start(), allowed.end());
        seconds.map(std::time::Duration::from_secs_f64).ok_or_else(expected)
    }
}

pub(super) fn milliseconds(allowed: RangeInclusive<u64>) -> impl Fn(&str) -> Result<std::time::Duration, Expected> {
    move |text| {
        let read = number(allowed.clone())(text).map(std::time::Duration::from_millis);
        read.map_err(|expected| format!("{expected}, in milliseconds"))
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, Expected> {
    number(0.0..=1.0)(text)
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("1 or 0".to_owned()),
    }
}

/// The names of this platform's components in Python are accepted too, in any case.
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

/// One host or several, `a,b:5673,[::1]:5672`.
pub(super) fn hosts(text: &str) -> Result<Vec<Place>, Expected> {
    let hosts: Option<Vec<Place>> = text.split(',').map(|part| host_and_port(part.trim())).collect();
    hosts.filter(|hosts| hosts.len() <= MOST_HOSTS).ok_or_else(|| {
        let user = if text.contains('@') {
            "; the user and the password belong in RABBITMQ_USERNAME and RABBITMQ_PASSWORD, or all of it in RABBITMQ_URL"
        } else {
            ""
        };
        format!("a host, or up to {MOST_HOSTS} separated by commas, each with a port if need be: a,b:5673{user}")
    })
}

/// A host by its name or address, with or without a port.
pub(super) fn host_and_port(text: &str) -> Option<Place> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, if rest.is_empty() { None } else { Some(port_in(rest.strip_prefix(':')?)?) })
        }
        None if text.parse::<std::net::Ipv6Addr>().is_ok() => (text, None),
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port_in(port)?)),
            None => (text, None),
        },
    };
    let is_name = |character: char| character.is_ascii_alphanumeric() || "-._:".contains(character);
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name.to_owned(), port))
}

fn port_in(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

/// Any text that is no address with a password in it.
pub(super) fn text(text: &str) -> Result<String, Expected> {
    if holds_credentials(text) { Err("no address of a broker".to_owned()) } else { Ok(text.to_owned()) }
}

pub(super) fn folder(text: &str) -> Result<std::path::PathBuf, Expected> {
    if holds_credentials(text) { Err("a folder".to_owned()) } else { Ok(text.into()) }
}

pub(super) fn words(text: &str) -> Result<Vec<String>, Expected> {
    self::text(text).map(|text| text.split(',').map(|word| word.trim().to_owned()).collect())
}

pub(super) fn file_name(text: &str) -> Result<String, Expected> {
    let is_one_name = !matches!(text, "." | "..") && !text.contains(['/', '\0']) && !holds_credentials(text);
    if is_one_name { Ok(text.to_owned()) } else { Err("the name of a file, without a folder".to_owned()) }
}

pub(super) fn http_url(text: &str) -> Result<String, Expected> {
    let expected = || "an address without TLS, as in http://mov:8080; the MOV asks for no login".to_owned();
    let uri: ureq::http::Uri = text.parse().map_err(|_| expected())?;
    let is_plain = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    if is_plain && !text.contains(['@', '?', '#']) { Ok(text.to_owned()) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_ports() {
        let host = |name: &str, port| (name.to_owned(), port);
        assert_eq!(hosts("a"), Ok(vec![host("a", None)]));
        assert_eq!(
            hosts("a, b:5673 ,10.0.0.1"),
            Ok(vec![host("a", None), host("b", Some(5673)), host("10.0.0.1", None)])
        );
        assert_eq!(hosts("::1"), Ok(vec![host("::1", None)]));
        assert_eq!(hosts("[::1]:1,[::2]"), Ok(vec![host("::1", Some(1)), host("::2", None)]));
        for text in ["", "a,,b", "a:", "a:0", "a:66000", "a:b:c", "[::1", "[x]", "user@host", "amqp://a"] {
            assert!(hosts(text).is_err(), "{text:?} was taken for hosts");
        }
    }

    #[test]
    fn levels_have_the_names_of_python_too() {
        for (text, expected) in
            [("WARNING", LevelFilter::Warn), ("critical", LevelFilter::Error), ("Fatal", LevelFilter::Error)]
        {
            assert_eq!(level(text), Ok(expected));
        }
        assert!(level("LOUD").is_err());
    }

    #[test]
    fn numbers_and_seconds_stay_within_their_bounds() {
        assert_eq!(number(1..=10_u16)("10"), Ok(10));
        for text in ["0", "11", "5672.", "-1", "", "1e1"] {
            assert_eq!(number(1..=10_u16)(text), Err("a number from 1 to 10".to_owned()), "{text:?}");
        }
        assert_eq!(seconds(0.0..=10.0)("0.5"), Ok(std::time::Duration::from_millis(500)));
        assert!(seconds(0.0..=10.0)("NaN").is_err() && seconds(0.0..=10.0)("inf").is_err());
    }

    #[test]
    fn only_a_plain_http_address_is_one() {
        assert!(http_url("http://mov:8080").is_ok());
        for text in
            ["https://mov", "mov:8080", "http://", "ftp://mov", "http://mov/?a=b", "http://me:hunter2@mov", "nonsense"]
        {
            assert!(http_url(text).is_err(), "{text:?} was taken for an address");
        }
    }
}
