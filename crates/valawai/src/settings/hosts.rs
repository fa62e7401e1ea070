//! Parsers of hosts and their ports.

use super::parse::Expected;
use crate::telemetry::Address;

/// A host name, and its port if the text contains one.
pub(super) type HostAddress = (String, Option<u16>);

/// The maximum number of hosts.
const MAX_HOSTS: usize = 16;

/// One or more hosts, as in `a,b:5673,[::1]:5672`.
pub(super) fn parse(text: &str) -> Result<Vec<HostAddress>, Expected> {
    let hosts: Option<Vec<HostAddress>> = text.split(',').map(|part| host_and_port(part.trim())).collect();
    hosts.filter(|hosts| hosts.len() <= MAX_HOSTS).ok_or_else(|| {
        let remedy = if text.contains('@') {
            "; set the user and password in RABBITMQ_USERNAME and RABBITMQ_PASSWORD, or the whole URL in RABBITMQ_URL"
        } else {
            ""
        };
        format!("up to {MAX_HOSTS} hosts separated by commas, each with an optional port, as in a,b:5673{remedy}")
    })
}

/// A host name or address, with or without a port.
pub(super) fn host_and_port(text: &str) -> Option<HostAddress> {
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

/// An address to listen on. Without a host it is the loopback interface: nothing is reachable from outside by an omission.
pub(super) fn listen_address(text: &str) -> Result<Address, Expected> {
    let expected = || "an address to listen on, as in 0.0.0.0:9464, or :9464 for this machine only".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    // Unlike others, this port may be 0, for any free one.
    let port = port.parse().map_err(|_| expected())?;
    let host = match host {
        "" => Some("127.0.0.1".to_owned()),
        _ if host.contains(':') && !host.starts_with('[') => None,
        _ => host_and_port(host).map(|(name, _)| name),
    };
    host.map(|host| (host, port)).ok_or_else(expected)
}

fn port_in(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_optional_ports() {
        let host = |name: &str, port| (name.to_owned(), port);
        assert_eq!(parse("a"), Ok(vec![host("a", None)]));
        assert_eq!(
            parse("a, b:5673 ,10.0.0.1"),
            Ok(vec![host("a", None), host("b", Some(5673)), host("10.0.0.1", None)])
        );
        assert_eq!(parse("::1"), Ok(vec![host("::1", None)]));
        assert_eq!(parse("[::1]:1,[::2]"), Ok(vec![host("::1", Some(1)), host("::2", None)]));
    }

    #[test]
    fn malformed_hosts_are_rejected() {
        for text in ["", "a,,b", "a:", "a:0", "a:66000", "a:b:c", "[::1", "[x]", "user@host", "amqp://a"] {
            assert!(parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn an_address_to_listen_on_is_on_the_loopback_interface_unless_it_names_a_host() {
        for (text, host, port) in [
            (":9464", "127.0.0.1", 9464),
            ("0.0.0.0:9464", "0.0.0.0", 9464),
            ("[::]:9464", "::", 9464),
            ("localhost:0", "localhost", 0),
        ] {
            assert_eq!(listen_address(text), Ok((host.to_owned(), port)), "{text}");
        }
        for text in
            ["", "9464", "host", "host:", ":", ":x", ":66000", "::1:9464", "http://x:1", "me:secret@x:1", "[x]:1"]
        {
            assert!(listen_address(text).is_err(), "{text:?} was accepted");
        }
    }
}
