//! The URL of a broker: `amqp://user:password@host:5672/vhost?heartbeat=10`; with TLS, `amqps://`.

use super::hosts::{self, HostAddress};
use super::parse::{self, Expected};
use crate::secret::Secret;

/// The parts of a URL. Those that it does not contain come from other settings or have defaults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BrokerUrl {
    pub(super) host: String,
    /// Whether the scheme is `amqps`.
    pub(super) is_encrypted: Option<bool>,
    pub(super) port: Option<u16>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) vhost: Option<String>,
    pub(super) heartbeat: Option<u16>,
}

impl BrokerUrl {
    pub(super) fn address(&self) -> HostAddress {
        (self.host.clone(), self.port)
    }
}

/// Whether a text has a scheme, and so is meant to be a URL.
pub(super) fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Whether the scheme is the one of TLS.
pub(super) fn is_encrypted(text: &str) -> bool {
    text.trim().get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("amqps://"))
}

/// Parses a URL. The errors contain no part of it, because any part may be a password.
pub(super) fn parse(text: &str) -> Result<BrokerUrl, Expected> {
    let (is_encrypted, rest) = match text.trim().split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("amqp") => (false, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("amqps") => (true, rest),
        _ => return Err("a URL as in amqp://user:password@host:5672/vhost, or amqps:// for TLS".to_owned()),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password that contains `/`, `?` or `#` unencoded ends the authority early, and the `@` follows in the tail.
    if tail.contains(['@', '#']) {
        return Err(percent_encoded());
    }
    let (login, address) = match authority.rsplit_once('@') {
        Some((login, address)) => (Some(login), address),
        None => (None, authority),
    };
    let (host, port) = hosts::host_and_port(address).ok_or_else(|| {
        format!(
            "one host after amqp:// or @, with an optional port from 1 to 65535 (set several hosts in RABBITMQ_HOST, \
             without a scheme), and {}",
            percent_encoded()
        )
    })?;
    let (username, password) = login.map_or(Ok((None, None)), parse_login)?;
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (vhost, heartbeat) = (parse_vhost(path)?, parse_heartbeat(query)?);
    Ok(BrokerUrl { host, is_encrypted: Some(is_encrypted), port, username, password, vhost, heartbeat })
}

fn parse_login(login: &str) -> Result<(Option<String>, Option<Secret>), Expected> {
    let (username, password) = match login.split_once(':') {
        Some((username, password)) => (decode(username)?, Some(decode(password)?)),
        None => (decode(login)?, None),
    };
    if username.is_empty() {
        return Err("a user before the @ of the URL, as in amqp://user:password@host".to_owned());
    }
    Ok((Some(username), password.map(Secret::new)))
}

/// Parses the path, without its first slash. An empty path names no virtual host.
fn parse_vhost(path: &str) -> Result<Option<String>, Expected> {
    let name = path.strip_prefix('/').unwrap_or(path);
    if name.contains('/') {
        return Err(percent_encoded());
    }
    Ok(Some(decode(name)?).filter(|name| !name.is_empty()))
}

fn parse_heartbeat(query: &str) -> Result<Option<u16>, Expected> {
    if query.is_empty() {
        return Ok(None);
    }
    let value = query.strip_prefix("heartbeat=").filter(|value| !value.contains('&'));
    let seconds = value.and_then(|value| parse::number(parse::HEARTBEAT)(value).ok());
    seconds.map(Some).ok_or_else(|| "a URL whose only parameter is the heartbeat, as in ?heartbeat=10".to_owned())
}

fn percent_encoded() -> Expected {
    "a URL whose user, password and virtual host are percent-encoded: / as %2F, @ as %40, : as %3A, # as %23, ? as \
     %3F, % as %25"
        .to_owned()
}

fn decode(text: &str) -> Result<String, Expected> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                let [Some(high), Some(low)] = digits else { return Err(percent_encoded()) };
                u8::try_from(16 * high + low).expect("two hexadecimal digits fit into a byte")
            }
            0..=b' ' | 0x7f => return Err(percent_encoded()),
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| percent_encoded())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(host: &str) -> BrokerUrl {
        BrokerUrl { host: host.into(), is_encrypted: Some(false), ..BrokerUrl::default() }
    }

    #[test]
    fn parts_that_a_url_does_not_contain_are_none() {
        assert_eq!(parse("amqp://mq"), Ok(url("mq")));
        assert_eq!(parse("AMQP://mq/"), Ok(url("mq")));
        assert_eq!(parse("Amqps://mq"), Ok(BrokerUrl { is_encrypted: Some(true), ..url("mq") }));
        assert_eq!(parse("amqp://mq:1?heartbeat=5"), Ok(BrokerUrl { port: Some(1), heartbeat: Some(5), ..url("mq") }));
        assert_eq!(parse("amqp://[::1]:2/"), Ok(BrokerUrl { port: Some(2), ..url("::1") }));
        assert_eq!(parse("amqp://me@mq"), Ok(BrokerUrl { username: Some("me".into()), ..url("mq") }));
        assert_eq!(parse("amqp://mq/%2F"), Ok(BrokerUrl { vhost: Some("/".into()), ..url("mq") }));
    }

    #[test]
    fn the_error_of_an_invalid_url_contains_no_part_of_it() {
        for text in [
            "amqps://me:hunter2@mq:x",
            "http://me:hunter2@mq",
            "me:hunter2@mq",
            "amqp://me:hunter2@",
            "amqp://me:hunter2@a,b",
            "amqp://me:hunter2@mq:0",
            "amqp://me:hunter2@mq:x",
            "amqp://:hunter2@mq",
            "amqp://me:hunter2%@mq",
            "amqp://me:hunter2%zz@mq",
            "amqp://me:hunter2%FF@mq",
            "amqp://me:hunter 2@mq",
            "amqp://me:12/hunter2@mq",
            "amqp://me:12?hunter2@mq",
            "amqp://me:12#hunter2@mq",
            "amqp://me@mq/hunter2/b",
            "amqp://me@mq/hunter2#b",
            "amqp://me@mq?hunter2=1",
            "amqp://me@mq?heartbeat=hunter2",
            "amqp://me@mq?heartbeat=0",
            "amqp://me@mq?heartbeat=1&heartbeat=2",
        ] {
            let expected = parse(text).expect_err(text);
            assert!(!expected.contains("hunter2"), "{text:?}: {expected}");
        }
    }

    proptest! {
        #[test]
        fn an_encoded_url_is_decoded(user in ".{1,9}", password in ".*", vhost in ".+", port in 1..=u16::MAX) {
            let encode = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
            let text = format!("amqp://{}:{}@mq:{port}/{}", encode(&user), encode(&password), encode(&vhost));
            let expected = BrokerUrl {
                port: Some(port),
                username: Some(user),
                password: Some(Secret::new(password)),
                vhost: Some(vhost),
                ..url("mq")
            };
            prop_assert_eq!(parse(&text), Ok(expected));
        }

        #[test]
        fn no_text_causes_a_panic(text in "(amqp://)?[a-z:@/?#%0-9]{0,30}") {
            let _ = parse(&text);
        }
    }
}
