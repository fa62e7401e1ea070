//! What only Consul has: tokens and folders.

use testkit::{Consul, log_capture};
use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Error, Options, Store};

use super::stub::Stub;
use super::{NOTICED, WatchedStore, options, values, warnings};

fn with_token(port: u16, token: Option<&str>, prefix: &str) -> Options {
    options(port, Api::Consul { token: token.map(Secret::new) }, &[prefix])
}

#[test]
fn consul_is_read_with_a_token() {
    let Some(consul) = Consul::start_with_token("config/c1_echo/") else { return };
    consul.put("config/c1_echo/a", "1");
    let allowed = with_token(consul.port(), Some(consul.token()), "/config/c1_echo");
    assert_eq!(Store::new(allowed.clone()).load(), Ok(values([("a", "1")])));
    let watched = WatchedStore::start(allowed);
    watched.wait_for(&values([("a", "1")]));
    consul.put("config/c1_echo/a", "2");
    assert!(watched.wait_for(&values([("a", "2")])) < NOTICED);
}

#[test]
fn an_unknown_token_is_an_error_that_says_what_to_do() {
    let Some(consul) = Consul::start_with_token("config/c1_echo/") else { return };
    let token = "5ca1ab1e-0000-4000-8000-00000000dead";
    let error = Store::new(with_token(consul.port(), Some(token), "/config/c1_echo")).load().unwrap_err();
    let message = error.to_string();
    let expected = format!(
        "Consul at 127.0.0.1:{} answered /v1/kv/config/c1_echo/ with 403: the token is not known or may not read the prefix \
         config/c1_echo/; set a token with a policy that has key_prefix \"config/c1_echo/\" {{ policy = \"read\" }}",
        consul.port()
    );
    assert_eq!(message, expected);
    assert!(!format!("{error:?}").contains(token), "{error:?}");
}

/// Consul leaves out what a token may not read.
#[test]
fn a_prefix_that_the_token_may_not_read_is_empty_and_the_warning_says_so() {
    let Some(consul) = Consul::start_with_token("config/other/") else { return };
    log_capture::start();
    consul.put("config/c1_echo/a", "1");
    for token in [Some(consul.token()), None] {
        let loaded = Store::new(with_token(consul.port(), token, "/config/c1_echo")).load();
        assert_eq!(loaded, Ok(values([])));
    }
    assert_eq!(warnings(consul.port(), "or the login may not read it"), 2);
}

#[test]
fn folders_and_binary_values_are_ignored() {
    let Some(consul) = Consul::start() else { return };
    log_capture::start();
    consul.put("config/c1_echo/", "");
    consul.put("config/c1_echo/channels/", "");
    consul.put("config/c1_echo/binary", [0xff, 0xfe]);
    consul.put("config/c1_echo/empty", "");
    let loaded = Store::new(with_token(consul.port(), None, "/config/c1_echo")).load();
    assert_eq!(loaded, Ok(values([("empty", "")])));
    assert_eq!(warnings(consul.port(), "its value is not UTF-8"), 1);
}

#[test]
fn more_than_ten_thousand_keys_are_an_error() {
    let entry = |number| format!(r#"{{"Key":"config/c1_echo/{number}","Value":null}}"#);
    let entries: Vec<String> = (0..=10_000).map(entry).collect();
    let stub = Stub::answering("200 OK", "X-Consul-Index: 7\r\n", &format!("[{}]", entries.join(",")));
    let error = Store::new(with_token(stub.port(), None, "/config/c1_echo")).load().unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

/// The index of a store that lost its data is lower than before. A query with the old index would wait for a long time.
#[test]
fn an_index_that_goes_backwards_is_not_used() {
    let stub = Stub::scripted(|number, path, socket| {
        let (index, text) = match number {
            0 => (100, "MQ=="),
            1 => (5, "Mg=="),
            _ => (6, "Mw=="),
        };
        let waits_for_old = path.contains("index=100") && number > 1 || path.contains("index=5");
        if waits_for_old || number > 2 {
            std::thread::sleep(super::PERIOD);
        }
        let body = format!(r#"[{{"Key":"config/c1_echo/a","Value":"{text}"}}]"#);
        super::stub::write_answer(socket, "200 OK", &format!("X-Consul-Index: {index}\r\n"), &body);
    });
    let watched = WatchedStore::start(with_token(stub.port(), None, "/config/c1_echo"));
    watched.wait_for(&values([("a", "3")]));
    let paths = stub.paths();
    assert!(paths[1].contains("index=100&wait="), "{paths:?}");
    assert!(!paths[2].contains("index="), "after an index that went backwards, Consul is read without one: {paths:?}");
}
