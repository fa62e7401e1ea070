//! Stores that can be read but not watched: an outage that is logged once, and retried without haste.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use valawai::internals::store::{Api, Options};

use super::stub::{Stub, write_answer, write_forever, write_head};
use super::{SHORT_PERIOD, WatchedStore, options, values};

const ETCD: &str = r#"{"header":{"revision":"7"},"kvs":[{"key":"L2NvbmZpZy9jMV9lY2hvL2E=","value":"MQ=="}]}"#;
const CONSUL: &str = r#"[{"Key":"config/c1_echo/a","Value":"MQ=="}]"#;
const ETCD2: &str = r#"{"action":"get","node":{"nodes":[{"key":"/config/c1_echo/a","value":"1"}]}}"#;

/// What a store does, and how it answers to a watch.
type Case = (&'static str, fn(&mut TcpStream));

/// Watches a store that answers to each watch so.
fn watch(api: Api, answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> (WatchedStore, Stub) {
    let stub = Stub::scripted(move |_, path, socket| match path {
        "/v3/kv/range" => write_answer(socket, "200 OK", "", ETCD),
        path if path.contains("wait=") || path == "/v3/watch" => answer(socket),
        path if path.starts_with("/v2") => write_answer(socket, "200 OK", "X-Etcd-Index: 7\r\n", ETCD2),
        _ => write_answer(socket, "200 OK", "X-Consul-Index: 7\r\n", CONSUL),
    });
    // The first wait is over soon, and may end before a slow machine has read anything.
    let options = Options { period: SHORT_PERIOD, ..options(stub.port(), api, &["/config/c1_echo"]) };
    let watched = WatchedStore::start(options);
    watched.wait_for(&values([("a", "1")]));
    (watched, stub)
}

fn etcd3() -> Api {
    Api::Etcd3 { login: None }
}

fn assert_one_outage(what: &str, (watched, stub): &(WatchedStore, Stub)) {
    watched.wait_for_outage(1);
    watched.assert_no_change();
    let before = stub.paths().len();
    thread::sleep(Duration::from_secs(2));
    let requests = stub.paths().len() - before;
    assert_eq!(watched.outages(), (1, 0), "{what}: the outage is logged once");
    assert!(requests <= 12, "{what}: {requests} requests in two seconds");
}

#[test]
fn a_watch_of_etcd_that_is_garbage_is_an_outage() {
    let cases: [Case; 7] = [
        ("a page", |socket| write_answer(socket, "200 OK", "", "<html>\n")),
        ("an error", |socket| write_answer(socket, "200 OK", "", "{\"error\":{\"grpc_code\":14}}\n")),
        ("a refusal", |socket| write_answer(socket, "200 OK", "", "{\"result\":{\"canceled\":true}}\n")),
        ("an end", |socket| write_answer(socket, "200 OK", "", "{\"result\":{\"created\":true}}\n")),
        ("status 500", |socket| write_answer(socket, "500 Internal Server Error", "", "")),
        ("a closed connection", |_| ()),
        ("a line that does not end", |socket| {
            write_head(socket, "");
            write_forever(socket, &[b' '; 10_000], Duration::ZERO);
        }),
    ];
    thread::scope(|scope| {
        for (what, answer) in cases {
            scope.spawn(move || assert_one_outage(what, &watch(etcd3(), answer)));
        }
        scope.spawn(|| {
            let dripping = watch(etcd3(), |socket| {
                write_head(socket, "");
                write_forever(socket, b" ", Duration::from_millis(100));
            });
            assert_one_outage("a line that drips", &dripping);
        });
    });
}

#[test]
fn a_blocking_query_that_is_garbage_is_an_outage() {
    let cases: [Case; 3] = [
        ("a page", |socket| write_answer(socket, "200 OK", "", "<html>\n")),
        ("status 500", |socket| write_answer(socket, "500 Internal Server Error", "", "")),
        ("a closed connection", |_| ()),
    ];
    thread::scope(|scope| {
        for (what, answer) in cases {
            for api in [Api::Consul { token: None }, Api::Etcd2 { login: None }] {
                scope.spawn(move || assert_one_outage(what, &watch(api, answer)));
            }
        }
    });
}

/// Such a store is read a few times a second, but not more.
#[test]
fn a_store_that_does_not_wait_is_not_asked_in_haste() {
    let consul = watch(Api::Consul { token: None }, |socket| {
        write_answer(socket, "200 OK", "X-Consul-Index: 0\r\n", CONSUL);
    });
    let etcd = watch(etcd3(), |socket| {
        write_answer(socket, "200 OK", "", "{\"result\":{\"events\":[{}]}}\n");
    });
    let before = [&consul.1, &etcd.1].map(|stub| stub.paths().len());
    thread::sleep(Duration::from_secs(2));
    for ((watched, stub), before) in [&consul, &etcd].into_iter().zip(before) {
        let requests = stub.paths().len() - before;
        assert!(requests <= 30, "{requests} requests in two seconds");
        assert_eq!(watched.outages(), (0, 0));
        watched.assert_no_change();
    }
}
