//! What only version 2 of etcd has: basic authentication, an index of events that are cleared, and an offer to turn it on.

use testkit::Etcd;
use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Login, Options, Store};

use super::{NOTICED, WatchedStore, options, values};

const OURS: &str = "/config/c1_echo";

fn as_user(etcd: &Etcd, password: &str, prefix: &str) -> Options {
    let login = Login { username: "echo".to_owned(), password: Secret::new(password) };
    options(etcd.port(), Api::Etcd2 { login: Some(login) }, &[prefix])
}

fn without_login(etcd: &Etcd) -> Options {
    options(etcd.port(), Api::Etcd2 { login: None }, &[OURS])
}

#[test]
fn version_2_is_read_with_a_login() {
    let etcd = Etcd::start_with_v2();
    etcd.put_v2("/config/c1_echo/channels/data/a", "1");
    etcd.require_login_v2("echo", "hunter2", OURS);
    let watched = WatchedStore::start(as_user(&etcd, "hunter2", OURS));
    watched.wait_for(&values([("channels/data/a", "1")]));
    etcd.put_v2("/config/c1_echo/channels/data/a", "2");
    assert!(watched.wait_for(&values([("channels/data/a", "2")])) < NOTICED);
}

#[test]
fn a_refused_login_of_version_2_is_an_error_that_says_what_to_do() {
    let etcd = Etcd::start_with_v2();
    etcd.require_login_v2("echo", "hunter2", OURS);
    for options in [as_user(&etcd, "hunter3", OURS), without_login(&etcd), as_user(&etcd, "hunter2", "/config/other")] {
        let error = Store::new(options).load().expect_err("the login is refused");
        let expected = "with 401: the user or the password is wrong, or may not read the prefix /config/";
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?} contains a password");
    }
}

#[test]
fn an_etcd_without_version_2_is_an_error_that_says_what_to_do() {
    let etcd = Etcd::start();
    let error = Store::new(without_login(&etcd)).load().expect_err("version 2 is off");
    assert!(error.to_string().contains("404: it does not offer version 2; start it with `--enable-v2`"), "{error}");
}

/// etcd keeps the last 1000 events of version 2, of all keys together.
#[test]
fn changes_are_noticed_after_the_events_were_cleared() {
    let etcd = Etcd::start_with_v2();
    etcd.put_v2("/config/c1_echo/a", "1");
    let watched = WatchedStore::start(without_login(&etcd));
    watched.wait_for(&values([("a", "1")]));
    for number in 0..1100 {
        etcd.put_v2("/config/other", &number.to_string());
    }
    etcd.put_v2("/config/c1_echo/a", "2");
    assert!(watched.wait_for(&values([("a", "2")])) < NOTICED);
    assert_eq!(watched.outages(), (0, 0));
}
