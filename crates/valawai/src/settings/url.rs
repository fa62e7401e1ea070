//! A broker's address with all that belongs to it: `amqp://user:password@host:5672/vhost?heartbeat=10`.

use super::parse::{self, Expected};
use crate::secret::Secret;

/// What an address says; the rest is for other settings, or has its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BrokerUrl {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) username: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) vhost: Option<String>,
    pub(super) heartbeat: Option<u16>,
}

/// Whether a text is meant to be an address with a scheme.
pub(super) fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// Reads an address. What is wrong with one is told without a piece of it, because any piece may be a password.
pub(super) fn read(text: &str) -> Result<BrokerUrl, Expected> {
    let rest = match text.trim().split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("amqp") => rest,
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("amqps") => {
            return Err("an address that begins with amqp://, because TLS is not supported".to_owned());
        }
        _ => return Err("an address as in amqp://user:password@host:5672/vhost".to_owned()),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // A password with one of these, not encoded, ends the authority too early. The @ that comes later gives it away.
    if tail.contains(['@', '#']) {
        return Err(percent_encoded());
    }
    let (login, place) = match authority.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, authority),
    };
    let (host, port) = parse::host_and_port(place).ok_or_else(|| {
        format!(
            "one host after amqp:// or @, with a port from 1 to 65535 if need be (several hosts go to RABBITMQ_HOST, \
             without amqp://), and {}",
            percent_encoded()
        )
    })?;
    let (username, password) = login.map_or(Ok((None, None)), read_login)?;
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    Ok(BrokerUrl { host, port, username, password, vhost: read_vhost(path)?, heartbeat: read_heartbeat(query)? })
}

fn read_login(login: &str) -> Result<(Option<String>, Option<Secret>), Expected> {
    let (username, password) = match login.split_once(':') {
        Some((username, password)) => (decode(username)?, Some(decode(password)?)),
        None => (decode(login)?, None),
    };
    if username.is_empty() {
        return Err("a user before the @ of the address: amqp://user:password@host".to_owned());
    }
    Ok((Some(username), password.map(Secret::new)))
}

/// The path without its first slash. An empty one names no virtual host.
fn read_vhost(path: &str) -> Result<Option<String>, Expected> {
    let name = path.strip_prefix('/').unwrap_or(path);
    if name.contains('/') {
        return Err(percent_encoded());
    }
    Ok(Some(decode(name)?).filter(|name| !name.is_empty()))
}

fn read_heartbeat(query: &str) -> Result<Option<u16>, Expected> {
    if query.is_empty() {
        return Ok(None);
    }
    let value = query.strip_prefix("heartbeat=").filter(|value| !value.contains('&'));
    let seconds = value.and_then(|value| parse::number(parse::HEARTBEAT)(value).ok());
    seconds
        .map(Some)
        .ok_or_else(|| "no parameter after the ? of the address but one heartbeat, as in ?heartbeat=10".to_owned())
}

fn percent_encoded() -> Expected {
    "an address whose user, password and virtual host are percent-encoded: / as %2F, @ as %40, : as %3A, # as %23, ? as \
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
                u8::try_from(16 * high + low).expect("two digits fit")
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
        BrokerUrl { host: host.into(), port: None, username: None, password: None, vhost: None, heartbeat: None }
    }

    #[test]
    fn what_an_address_does_not_say_is_left_open() {
        assert_eq!(read("amqp://mq"), Ok(url("mq")));
        assert_eq!(read("AMQP://mq/"), Ok(url("mq")));
        assert_eq!(read("amqp://mq:1?heartbeat=5"), Ok(BrokerUrl { port: Some(1), heartbeat: Some(5), ..url("mq") }));
        assert_eq!(read("amqp://[::1]:2/"), Ok(BrokerUrl { port: Some(2), ..url("::1") }));
        assert_eq!(read("amqp://me@mq"), Ok(BrokerUrl { username: Some("me".into()), ..url("mq") }));
        assert_eq!(read("amqp://mq/%2F"), Ok(BrokerUrl { vhost: Some("/".into()), ..url("mq") }));
    }

    #[test]
    fn what_is_no_address_is_told_without_a_piece_of_it() {
        for text in [
            "amqps://me:hunter2@mq",
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
            let expected = read(text).expect_err(text);
            assert!(!expected.contains("hunter2"), "{text:?}: {expected}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_encoded_comes_out_again(user in ".{1,9}", password in ".*", vhost in ".+", port in 1..=u16::MAX) {
            let encode = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
            let text = format!("amqp://{}:{}@mq:{port}/{}", encode(&user), encode(&password), encode(&vhost));
            let expected = BrokerUrl {
                port: Some(port),
                username: Some(user),
                password: Some(Secret::new(password)),
                vhost: Some(vhost),
                ..url("mq")
            };
            prop_assert_eq!(read(&text), Ok(expected));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(amqp://)?[a-z:@/?#%0-9]{0,30}") {
            let _ = read(&text);
        }
    }
}
