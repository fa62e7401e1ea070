//! What is read, and how fast changes are noticed.

use std::time::{Duration, Instant};

use testkit::log_capture;
use valawai::internals::store::{Store, Values};

use super::backends::on_each_store;
use super::{NOTICED, WatchedStore, values, warnings};

const OURS: &str = "/config/c1_echo";
const SHARED: &str = "/config/shared";

#[test]
fn a_later_prefix_overrides_an_earlier_one() {
    on_each_store(|store| {
        store.put("/config/shared/workers", "1");
        store.put("/config/shared/prefetch", "10");
        store.put("/config/c1_echo/workers", "2");
        store.put("/config/c1_echo/channels/data/received_message/prefetch", "7");
        store.put("/config/c1_echo_too/workers", "3");
        store.put("/config/c1_ech", "4");
        let options = store.options(&[SHARED, OURS]);
        let loaded = Store::new(options.clone()).load().unwrap_or_else(|error| panic!("{error}"));
        let expected = values([("channels/data/received_message/prefetch", "7"), ("prefetch", "10"), ("workers", "2")]);
        assert_eq!(loaded, expected, "{}", options.name());
        let reversed = Store::new(store.options(&[OURS, SHARED])).load().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reversed["workers"], "1", "{}", options.name());
    });
}

#[test]
fn a_change_below_each_prefix_is_noticed_at_once() {
    on_each_store(|store| {
        store.put("/config/shared/a", "1");
        store.put("/config/c1_echo/b", "1");
        let watched = WatchedStore::start(store.options(&[SHARED, OURS]));
        watched.wait_for(&values([("a", "1"), ("b", "1")]));
        let mut slowest = Duration::ZERO;
        let mut noticed = |expected: &Values| slowest = slowest.max(watched.wait_for(expected));
        for number in 0..5 {
            let text = format!("changed {number}");
            store.put("/config/shared/a", &text);
            noticed(&values([("a", &text), ("b", if number == 0 { "1" } else { "2" })]));
            store.put("/config/c1_echo/b", "2");
            if number == 0 {
                noticed(&values([("a", &text), ("b", "2")]));
            }
        }
        store.put("/config/c1_echo/new", "");
        noticed(&values([("a", "changed 4"), ("b", "2"), ("new", "")]));
        store.delete("/config/shared/a");
        noticed(&values([("b", "2"), ("new", "")]));
        let name = store.options(&[]);
        println!("{}, {:?}: the slowest change was noticed after {slowest:?}", name.name(), name.api);
        assert!(slowest < NOTICED, "{}: a change was noticed after {slowest:?}", name.name());
    });
}

#[test]
fn the_last_of_many_changes_is_noticed() {
    on_each_store(|store| {
        store.put("/config/c1_echo/count", "0");
        let watched = WatchedStore::start(store.options(&[OURS]));
        watched.wait_for(&values([("count", "0")]));
        for number in 1..=200 {
            store.put("/config/c1_echo/count", &number.to_string());
        }
        let after = watched.wait_for(&values([("count", "200")]));
        assert!(after < NOTICED, "the last of 200 changes was noticed after {after:?}");
        watched.assert_no_change();
    });
}

#[test]
fn a_change_of_other_keys_is_not_reported() {
    on_each_store(|store| {
        store.put("/config/c1_echo/a", "1");
        let watched = WatchedStore::start(store.options(&[OURS]));
        watched.wait_for(&values([("a", "1")]));
        store.put("/config/c1_echo_too/a", "2");
        store.put("/config/other", "2");
        store.put("/config/c1_echo/b", "2");
        watched.wait_for(&values([("a", "1"), ("b", "2")]));
        watched.assert_no_change();
    });
}

#[test]
fn a_missing_prefix_is_empty_and_reported_once() {
    on_each_store(|store| {
        log_capture::start();
        let options = store.options(&[OURS]);
        let port = options.address.port;
        let mut loading = Store::new(options);
        for _ in 0..2 {
            assert_eq!(loading.load(), Ok(Values::new()));
        }
        assert_eq!(warnings(port, "has nothing below /config/c1_echo"), 1);
        store.put("/config/c1_echo/a", "1");
        assert_eq!(loading.load(), Ok(values([("a", "1")])));
    });
}

#[test]
fn a_value_that_is_too_long_is_ignored_and_reported_once() {
    on_each_store(|store| {
        let long = "x".repeat(64 * 1024 + 1);
        store.put("/config/c1_echo/long", &long);
        store.put("/config/c1_echo/a", "1");
        let options = store.options(&[OURS]);
        let port = options.address.port;
        let watched = WatchedStore::start(options);
        watched.wait_for(&values([("a", "1")]));
        store.put("/config/c1_echo/a", "2");
        watched.wait_for(&values([("a", "2")]));
        assert_eq!(warnings(port, "long below /config/c1_echo"), 1, "{:?}", log_capture::lines_containing(&["long"]));
        store.put("/config/c1_echo/long", "short");
        watched.wait_for(&values([("a", "2"), ("long", "short")]));
    });
}

#[test]
fn a_load_is_not_slow() {
    on_each_store(|store| {
        store.put("/config/c1_echo/a", "1");
        let began = Instant::now();
        let loaded = Store::new(store.options(&[OURS])).load().unwrap_or_else(|error| panic!("{error}"));
        println!("{:?}: loaded in {:?}", store.options(&[]).api, began.elapsed());
        assert_eq!(loaded, values([("a", "1")]));
    });
}
