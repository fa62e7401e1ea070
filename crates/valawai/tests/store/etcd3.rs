//! What only version 3 of etcd has: logins with tokens, and compaction.

use std::io::{BufRead, BufReader};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use testkit::wait::SOON;
use testkit::{Etcd, log_capture, wait_until};
use valawai::internals::secret::Secret;
use valawai::internals::store::{Api, Login, Options, Store};

use super::stub::{Stub, write_answer};
use super::{NOTICED, PERIOD, WatchedStore, options, values, warnings};

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
    etcd.set_password("echo", "hunter2");
    assert_eq!(store.load(), Ok(values([("a", "1")])));
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

/// The history that a client wants to watch may be removed between its read and its watch.
#[test]
fn a_compaction_is_no_outage() {
    let etcd = Etcd::start();
    for number in 0..5 {
        etcd.put("/config/c1_echo/a", number.to_string());
    }
    etcd.compact();
    let compacted = first_line_of_watch(&etcd, 2);
    assert!(compacted.contains("compact_revision"), "etcd answered {compacted}");
    let stub = Stub::scripted(move |number, path, socket| match (number, path) {
        (0, "/v3/kv/range") => write_answer(socket, "200 OK", "", &range(1, "before")),
        (1, "/v3/watch") => write_answer(socket, "200 OK", "", &compacted),
        (_, "/v3/kv/range") => write_answer(socket, "200 OK", "", &range(6, "after")),
        _ => std::thread::sleep(PERIOD),
    });
    let watched = WatchedStore::start(options(stub.port(), Api::Etcd3 { login: None }, &[OURS]));
    watched.wait_for(&values([("a", "before")]));
    assert!(watched.wait_for(&values([("a", "after")])) < NOTICED);
    assert_eq!(watched.outages(), (0, 0));
}

#[test]
fn the_threads_end_after_the_watch() {
    // No other test watches so many prefixes, so the last thread is of this one.
    const LAST_THREAD: &str = "store-8";
    let stub = Stub::scripted(|number, path, socket| match path {
        "/v3/watch" => write_answer(socket, "200 OK", "", "{\"result\":{\"events\":[{}]}}\n"),
        _ => write_answer(socket, "200 OK", "", &range(7, &number.to_string())),
    });
    let watched = WatchedStore::start(options(stub.port(), Api::Etcd3 { login: None }, &[OURS; 9]));
    wait_until("the threads to start", SOON, || has_thread(LAST_THREAD));
    drop(watched);
    wait_until("the threads to end", SOON, || !has_thread(LAST_THREAD));
}

fn has_thread(name: &str) -> bool {
    let threads = std::fs::read_dir("/proc/self/task").expect("the threads of this process");
    let name_of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("comm")).unwrap_or_default();
    threads.flatten().any(|thread| name_of(thread).trim() == name)
}

/// What etcd writes first to a client that watches from `revision`.
fn first_line_of_watch(etcd: &Etcd, revision: u64) -> String {
    let json = json!({ "create_request": { "key": STANDARD.encode("/config/c1_echo/a"), "start_revision": revision } });
    let url = format!("http://127.0.0.1:{}/v3/watch", etcd.port());
    let response = ureq::post(url).send(json.to_string()).expect("a watch");
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    let line = lines.find(|line| line.as_ref().is_ok_and(|line| !line.contains("\"created\":true")));
    format!("{}\n", line.expect("a line of the watch").expect("a line that can be read"))
}

/// The answer to a range request with one key.
fn range(revision: u64, value: &str) -> String {
    let pair = json!({ "key": STANDARD.encode("/config/c1_echo/a"), "value": STANDARD.encode(value) });
    json!({ "header": { "revision": revision.to_string() }, "kvs": [pair] }).to_string()
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
