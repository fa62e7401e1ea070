//! Clients of the key-value stores that hold settings: Consul and etcd.
//!
//! A store is neither trusted nor relied upon: each call has a time limit, and each answer a limit of its size. Whatever a
//! store does, the result is an [`Error`].

mod consul;
mod entries;
mod error;
mod etcd2;
mod etcd3;
mod http;
mod login;
#[cfg(test)]
mod mutation_tests;
mod prefix;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use self::consul::Consul;
use self::etcd2::Etcd2;
use self::etcd3::Etcd3;
use self::http::Http;
use self::prefix::{Client, PrefixReader};
use crate::secret::Secret;
use crate::tls;

pub use error::{Error, Server};
pub use login::Login;

/// How to reach the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where it listens.
    pub address: Address,
    /// With TLS, whom to trust.
    pub tls: Option<tls::Options>,
    /// Which store it is, and the login.
    pub api: Api,
    /// The settings are below these prefixes; a later one overrides an earlier one. None until the name of the component is
    /// known: [`Options::for_component`].
    pub prefixes: Vec<String>,
    /// The time limit of a read.
    pub timeout: Duration,
    /// The longest time without a read. A silent connection is checked after it.
    pub period: Duration,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

/// The interface of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// Consul's KV store.
    Consul {
        /// Sent with each request, if there is one.
        token: Option<Secret>,
    },
    /// The JSON gateway of etcd's version 3.
    Etcd3 {
        /// For stores with authentication.
        login: Option<Login>,
    },
    /// etcd's version 2, which newer servers have only with `--enable-v2`.
    Etcd2 {
        /// For stores with authentication.
        login: Option<Login>,
    },
}

/// What the store holds below the prefixes: the texts by their paths below the prefix, without a slash at the beginning, as
/// in `channels/data/received_message/prefetch`.
pub type Values = BTreeMap<String, String>;

/// A client of the store.
pub struct Store {
    options: Options,
    readers: Vec<PrefixReader>,
}

impl Options {
    /// What people call the store.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.api {
            Api::Consul { .. } => "Consul",
            Api::Etcd3 { .. } | Api::Etcd2 { .. } => "etcd",
        }
    }

    /// With the prefix of the component of this name, `/config/<name>`, unless there is one already.
    #[must_use]
    pub fn for_component(mut self, name: &str) -> Self {
        if self.prefixes.is_empty() {
            self.prefixes.push(format!("/config/{name}"));
        }
        self
    }

    fn reader(&self, prefix: &str) -> PrefixReader {
        let server = Server { name: self.name(), address: self.address.clone() };
        let http = Http::new(server.clone(), self.timeout, self.tls.clone());
        let client: Box<dyn Client> = match &self.api {
            Api::Consul { token } => Box::new(Consul::new(http, prefix, token.clone())),
            Api::Etcd3 { login } => Box::new(Etcd3::new(http, prefix, login.clone())),
            Api::Etcd2 { login } => Box::new(Etcd2::new(http, prefix, login.as_ref())),
        };
        PrefixReader::new(client, server, prefix)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(formatter, "[{host}]:{port}") } else { write!(formatter, "{host}:{port}") }
    }
}

impl Store {
    /// A client of the store. It connects with the first read.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let readers = options.prefixes.iter().map(|prefix| options.reader(prefix)).collect();
        Self { options, readers }
    }

    /// Reads everything below the prefixes, within the time limit.
    ///
    /// # Errors
    /// Why a prefix cannot be read.
    pub fn load(&mut self) -> Result<Values, Error> {
        let deadline = Instant::now() + self.options.timeout;
        let mut values = Values::new();
        for reader in &mut self.readers {
            values.extend(reader.read(deadline)?);
        }
        Ok(values)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("options", &self.options).finish_non_exhaustive()
    }
}
