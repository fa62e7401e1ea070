//! What all stores have in common, so that each test runs on each of them.

use testkit::{Consul, Etcd};
use valawai::internals::store::{Api, Options};

use super::{options, tls::with_tls};

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
        scope.spawn(move || test(&EtcdBackend { etcd: Etcd::start(), kind: Kind::Plain }));
        scope.spawn(move || test(&EtcdBackend { etcd: Etcd::start(), kind: Kind::WithTls }));
        scope.spawn(move || test(&EtcdBackend { etcd: Etcd::start_with_v2(), kind: Kind::Version2 }));
        if let Some(consul) = Consul::start() {
            scope.spawn(move || test(&consul));
        }
    });
}

struct EtcdBackend {
    etcd: Etcd,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    WithTls,
    Version2,
}

impl Backend for EtcdBackend {
    fn options(&self, prefixes: &[&str]) -> Options {
        match self.kind {
            Kind::Plain => options(self.etcd.port(), Api::Etcd3 { login: None }, prefixes),
            Kind::WithTls => with_tls(options(self.etcd.tls_port(), Api::Etcd3 { login: None }, prefixes)),
            Kind::Version2 => options(self.etcd.port(), Api::Etcd2 { login: None }, prefixes),
        }
    }

    fn put(&self, key: &str, value: &str) {
        if self.kind == Kind::Version2 { self.etcd.put_v2(key, value) } else { self.etcd.put(key, value) }
    }

    fn delete(&self, key: &str) {
        if self.kind == Kind::Version2 { self.etcd.delete_v2(key) } else { self.etcd.delete(key) }
    }

    fn kill(&self) {
        self.etcd.kill();
    }

    fn start_again(&self) {
        self.etcd.start_again();
    }

    fn lose_data(&self) {
        self.etcd.kill();
        self.etcd.wipe();
        self.etcd.start_again();
    }

    fn freeze(&self) {
        self.etcd.freeze();
    }

    fn thaw(&self) {
        self.etcd.thaw();
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
