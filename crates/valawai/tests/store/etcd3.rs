//! What only version 3 of etcd has: logins with tokens, and compaction.

use testkit::{Etcd, log_capture};
use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Login, Options, Store};

use super::{NOTICED, WatchedStore, options, values, warnings};

const OURS: &str = "/config/c1_echo";

fn as_user(etcd: &Etcd, password: &str, prefix: &str) -> Options {
    let login = Login { username: "echo".to_owned(), password: Secret::new(password) };
    options(etcd.port(), Api::Etcd3 { login: Some(login) }, &[prefix])
}

fn without_login(etcd: &Etcd) -> Options {
    options(etcd.port(), Api::Etcd3 { login: None }, &[OURS])
}

#[test]
fn etcd_is_read_with_a_login() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_echo/a", "1");
    etcd.require_login("echo", "hunter2", OURS);
    let watched = WatchedStore::start(as_user(&etcd, "hunter2", OURS));
    watched.wait_for(&values([("a", "1")]));
    etcd.put("/config/c1_echo/a", "2");
    assert!(watched.wait_for(&values([("a", "2")])) < NOTICED);
    assert_eq!(watched.outages(), (0, 0));
}

#[test]
fn a_login_is_renewed_when_etcd_forgot_the_token() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_echo/a", "1");
    etcd.require_login("echo", "hunter2", OURS);
    let mut store = Store::new(as_user(&etcd, "hunter2", OURS));
    assert_eq!(store.load(), Ok(values([("a", "1")])));
    // Tokens are kept in memory.
    etcd.kill();
    etcd.start_again();
    assert_eq!(store.load(), Ok(values([("a", "1")])), "after a restart of etcd");
    // The tokens of all users are void when a role changes.
    etcd.grant_reading("reader", "/config/other");
    assert_eq!(store.load(), Ok(values([("a", "1")])), "after a change of roles");
}

#[test]
fn a_login_at_a_store_without_authentication_is_not_needed() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_echo/a", "1");
    let mut store = Store::new(as_user(&etcd, "hunter2", OURS));
    assert_eq!(store.load(), Ok(values([("a", "1")])));
    etcd.require_login("echo", "hunter2", OURS);
    assert_eq!(store.load(), Ok(values([("a", "1")])), "after authentication was turned on");
}

#[test]
fn a_refused_login_is_an_error_that_says_what_to_do() {
    let etcd = Etcd::start();
    etcd.require_login("echo", "hunter2", OURS);
    for (options, expected) in [
        (as_user(&etcd, "hunter3", OURS), "/v3/auth/authenticate with 400: the user or the password is wrong"),
        (without_login(&etcd), "/v3/kv/range with 400: it may require a login"),
        (
            as_user(&etcd, "hunter2", "/config/other"),
            "/v3/kv/range with 403: the user may not read the prefix /config/other/; grant one of its roles to read",
        ),
    ] {
        let error = Store::new(options).load().expect_err(expected);
        assert!(error.to_string().contains(expected), "{error} does not contain {expected:?}");
        assert!(error.to_string().contains(&format!("etcd at 127.0.0.1:{}", etcd.port())), "{error}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?} contains a password");
    }
}

#[test]
fn changes_are_noticed_after_a_compaction() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_echo/a", "1");
    let watched = WatchedStore::start(without_login(&etcd));
    watched.wait_for(&values([("a", "1")]));
    // The client cannot connect while the history that it wants is removed.
    etcd.freeze();
    watched.wait_for_outage(1);
    etcd.thaw();
    for number in 2..10 {
        etcd.put("/config/c1_echo/a", number.to_string());
        etcd.compact();
    }
    watched.wait_for(&values([("a", "9")]));
    watched.wait_for_recovery(1);
    etcd.put("/config/c1_echo/a", "10");
    assert!(watched.wait_for(&values([("a", "10")])) < NOTICED);
}

#[test]
fn binary_values_are_ignored_and_reported_once() {
    let etcd = Etcd::start();
    etcd.put("/config/c1_echo/binary", [0xff, 0xfe]);
    etcd.put("/config/c1_echo/a", "1");
    log_capture::start();
    let mut store = Store::new(without_login(&etcd));
    for _ in 0..2 {
        assert_eq!(store.load(), Ok(values([("a", "1")])));
    }
    assert_eq!(warnings(etcd.port(), "binary below /config/c1_echo"), 1);
}
