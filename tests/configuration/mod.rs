//! Settings that change while the component runs, with a real etcd.

mod broker;
mod changes;
mod full_load;
mod layers;
mod none;
mod orders;
mod outages;
mod own;
mod parameters;
mod stores;

use testkit::store::Etcd;
use testkit::{Mov, Node, Process};

use crate::test_bed::{LONG, NAME, TestBed};

/// A component that takes its settings from an etcd.
pub(crate) struct Configured {
    pub(crate) etcd: Etcd,
    pub(crate) test_bed: TestBed,
}

impl Configured {
    /// The component on a virtual host of the shared node, which follows a new etcd.
    pub(crate) fn new() -> Self {
        Self::on(TestBed::on(Node::shared()))
    }

    pub(crate) fn on(test_bed: TestBed) -> Self {
        let etcd = Etcd::start();
        // An empty prefix would be reported.
        etcd.put(&key("tap_max_rate"), "2000");
        let test_bed =
            test_bed.env("ETCD_HOST", "127.0.0.1").env("ETCD_PORT", etcd.port()).env("RELOAD_ENABLED", "true");
        Self { etcd, test_bed }
    }

    /// Sets a variable of the component.
    pub(crate) fn env(self, name: &str, value: impl ToString) -> Self {
        Self { test_bed: self.test_bed.env(name, value), ..self }
    }

    /// Writes a setting to the store.
    pub(crate) fn put(&self, path: &str, value: &str) {
        self.etcd.put(&key(path), value);
    }

    /// Removes a setting from the store.
    pub(crate) fn delete(&self, path: &str) {
        self.etcd.delete(&key(path));
    }

    /// Writes a setting to the store, and waits until the component has it.
    #[track_caller]
    pub(crate) fn change(&self, component: &Process, path: &str, value: &str) {
        let said = format!("{} is ", path.to_uppercase().replace('/', "_").replace("CHANNELS", "CHANNEL"));
        let count = || component.output().matches(&said).count();
        let before = count();
        self.put(path, value);
        component.wait_until(&format!("it to say `{said}`"), LONG, || count() > before);
    }
}

/// The key of a setting.
pub(crate) fn key(path: &str) -> String {
    format!("/config/{NAME}/{path}")
}

/// The identifier of the one live registration of the component.
#[track_caller]
pub(crate) fn live_id(mov: &Mov) -> String {
    let live = mov.live_of(NAME);
    assert_eq!(live.len(), 1, "live registrations: {live:?}");
    live[0].id.clone()
}
