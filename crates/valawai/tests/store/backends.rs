//! What all stores have in common, so that each test runs on each of them.

use testkit::{Consul, Etcd};
use valawai::internals::store::{Api, Options};

use super::options;

/// A store that a test starts. Keys begin with a slash.
pub(super) trait Backend {
    fn options(&self, prefixes: &[&str]) -> Options;
    fn put(&self, key: &str, value: &str);
    fn delete(&self, key: &str);
    fn kill(&self);
    fn start_again(&self);
    /// Kills it, removes its data, and starts it again.
    fn lose_data(&self);
    fn freeze(&self);
    fn thaw(&self);
}

/// Runs a test on each store of this machine.
pub(super) fn on_each_store(test: impl Fn(&dyn Backend) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        scope.spawn(move || test(&Version3(Etcd::start())));
        scope.spawn(move || test(&Version2(Etcd::start_with_v2())));
        if let Some(consul) = Consul::start() {
            scope.spawn(move || test(&consul));
        }
    });
}

struct Version3(Etcd);

impl Backend for Version3 {
    fn options(&self, prefixes: &[&str]) -> Options {
        options(self.0.port(), Api::Etcd3 { login: None }, prefixes)
    }

    fn put(&self, key: &str, value: &str) {
        self.0.put(key, value);
    }

    fn delete(&self, key: &str) {
        self.0.delete(key);
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn start_again(&self) {
        self.0.start_again();
    }

    fn lose_data(&self) {
        self.0.kill();
        self.0.wipe();
        self.0.start_again();
    }

    fn freeze(&self) {
        self.0.freeze();
    }

    fn thaw(&self) {
        self.0.thaw();
    }
}

struct Version2(Etcd);

impl Backend for Version2 {
    fn options(&self, prefixes: &[&str]) -> Options {
        options(self.0.port(), Api::Etcd2 { login: None }, prefixes)
    }

    fn put(&self, key: &str, value: &str) {
        self.0.put_v2(key, value);
    }

    fn delete(&self, key: &str) {
        self.0.delete_v2(key);
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn start_again(&self) {
        self.0.start_again();
    }

    fn lose_data(&self) {
        self.0.kill();
        self.0.wipe();
        self.0.start_again();
    }

    fn freeze(&self) {
        self.0.freeze();
    }

    fn thaw(&self) {
        self.0.thaw();
    }
}

impl Backend for Consul {
    fn options(&self, prefixes: &[&str]) -> Options {
        options(self.port(), Api::Consul { token: None }, prefixes)
    }

    fn put(&self, key: &str, value: &str) {
        Consul::put(self, key.trim_start_matches('/'), value);
    }

    fn delete(&self, key: &str) {
        Consul::delete(self, key.trim_start_matches('/'));
    }

    fn kill(&self) {
        Consul::kill(self);
    }

    /// Its data are in memory, so a test writes them again.
    fn start_again(&self) {
        Consul::start_again(self);
    }

    fn lose_data(&self) {
        Consul::kill(self);
        Consul::start_again(self);
    }

    fn freeze(&self) {
        Consul::freeze(self);
    }

    fn thaw(&self) {
        Consul::thaw(self);
    }
}
