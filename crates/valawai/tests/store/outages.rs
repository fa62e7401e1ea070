//! Stores that are killed, frozen or wiped.

use std::time::{Duration, Instant};

use testkit::Proxy;
use valawai::internals::store::{Error, Options, Store, Values};

use super::backends::{Backend, on_each_store};
use super::{SHORT_PERIOD, TIMEOUT, WatchedStore, values};

const OURS: &str = "/config/c1_echo";

/// Starts to watch a store with one key.
fn watch(store: &dyn Backend) -> WatchedStore {
    store.put("/config/c1_echo/a", "1");
    let watched = WatchedStore::start(Options { period: SHORT_PERIOD, ..store.options(&[OURS]) });
    watched.wait_for(&values([("a", "1")]));
    watched
}

#[test]
fn changes_are_noticed_after_a_store_was_killed() {
    on_each_store(|store| {
        let watched = watch(store);
        for (number, text) in [(1, "2"), (2, "3")] {
            store.kill();
            watched.wait_for_outage(number);
            watched.assert_no_change();
            store.start_again();
            store.put("/config/c1_echo/a", text);
            watched.wait_for(&values([("a", text)]));
            watched.wait_for_recovery(number);
        }
    });
}

#[test]
fn changes_are_noticed_after_a_store_was_frozen() {
    on_each_store(|store| {
        let watched = watch(store);
        store.freeze();
        watched.wait_for_outage(1);
        watched.assert_no_change();
        store.thaw();
        watched.wait_for_recovery(1);
        watched.assert_no_change();
        store.put("/config/c1_echo/a", "2");
        watched.wait_for(&values([("a", "2")]));
    });
}

#[test]
fn a_store_that_lost_its_data_sets_nothing_and_changes_are_noticed() {
    on_each_store(|store| {
        let watched = watch(store);
        // The index of the store is high before, and low after that.
        for number in 0..20 {
            store.put("/config/other", &number.to_string());
        }
        store.lose_data();
        watched.wait_for(&Values::new());
        store.put("/config/c1_echo/a", "2");
        watched.wait_for(&values([("a", "2")]));
    });
}

#[test]
fn a_connection_that_a_firewall_dropped_is_noticed() {
    on_each_store(|store| {
        store.put("/config/c1_echo/a", "1");
        let proxy = Proxy::start(store.options(&[]).address.port);
        let mut options = Options { period: SHORT_PERIOD, ..store.options(&[OURS]) };
        options.address.port = proxy.port();
        let watched = WatchedStore::start(options);
        watched.wait_for(&values([("a", "1")]));
        proxy.drop_traffic(true);
        store.put("/config/c1_echo/a", "2");
        watched.wait_for_outage(1);
        proxy.drop_traffic(false);
        watched.wait_for(&values([("a", "2")]));
        watched.wait_for_recovery(1);
    });
}

#[test]
fn a_store_that_starts_late_is_watched() {
    on_each_store(|store| {
        store.put("/config/c1_echo/a", "1");
        store.kill();
        let watched = WatchedStore::start(store.options(&[OURS]));
        watched.wait_for_outage(1);
        watched.assert_no_change();
        store.start_again();
        store.put("/config/c1_echo/a", "2");
        watched.wait_for(&values([("a", "2")]));
        watched.wait_for_recovery(1);
    });
}

#[test]
fn a_frozen_store_costs_a_load_no_more_than_its_time_limit() {
    on_each_store(|store| {
        store.freeze();
        let began = Instant::now();
        let options = store.options(&[OURS, "/config/a", "/config/b"]);
        let error = Store::new(options).load().expect_err("a frozen store cannot be read");
        let took = began.elapsed();
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
        assert!(took < TIMEOUT + Duration::from_secs(2), "a load took {took:?}; its limit is {TIMEOUT:?}");
        store.thaw();
    });
}
