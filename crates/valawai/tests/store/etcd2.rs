//! What only version 2 of etcd has: basic authentication, an index of events that are cleared, and an offer to turn it on.

use testkit::Etcd;
use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Login, Options, Store};

use super::stub::{Stub, write_answer};
use super::{NOTICED, PERIOD, WatchedStore, options, values};

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

/// etcd keeps the last 1000 events of version 2, of all keys together. More may happen between a read and a watch.
#[test]
fn events_that_were_cleared_are_no_outage() {
    let etcd = Etcd::start_with_v2();
    for number in 0..1100 {
        etcd.put_v2("/config/other", &number.to_string());
    }
    let cleared = answer_to_watch(&etcd, 2);
    let node = |value| format!(r#"{{"node":{{"nodes":[{{"key":"/config/c1_echo/a","value":"{value}"}}]}}}}"#);
    let stub = Stub::scripted(move |number, path, socket| match (number, path.contains("wait=")) {
        (0, _) => write_answer(socket, "200 OK", "X-Etcd-Index: 1\r\n", &node("before")),
        (1, true) => write_answer(socket, "400 Bad Request", "", &cleared),
        (_, false) => write_answer(socket, "200 OK", "X-Etcd-Index: 1200\r\n", &node("after")),
        _ => std::thread::sleep(PERIOD),
    });
    let watched = WatchedStore::start(options(stub.port(), Api::Etcd2 { login: None }, &[OURS]));
    watched.wait_for(&values([("a", "before")]));
    assert!(watched.wait_for(&values([("a", "after")])) < NOTICED);
    assert_eq!(watched.outages(), (0, 0));
}

/// What etcd answers to a client that watches from an index whose event it does not know any more.
fn answer_to_watch(etcd: &Etcd, index: u64) -> String {
    let url = format!("http://127.0.0.1:{}/v2/keys/config?recursive=true&wait=true&waitIndex={index}", etcd.port());
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(url).call().expect("an answer to a watch");
    let body = response.body_mut().read_to_string().expect("the body of an answer");
    assert_eq!(response.status(), 400, "{body}");
    body
}
