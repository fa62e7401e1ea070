//! Why a store cannot be read. No error contains a secret or a part of an answer.

use std::fmt;
use std::time::Duration;

use super::Address;
use super::entries::Invalid;

/// A store, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// What people call it.
    pub name: &'static str,
    /// Where it listens.
    pub address: Address,
}

/// Why a store cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no connection, or it broke.
    #[error(
        "cannot reach {server}: {reason}; check that it runs, its host and its port, and whether it wants https://"
    )]
    Unreachable {
        /// The store.
        server: Server,
        /// The error of the connection.
        reason: String,
    },
    /// There is no TLS connection: one side does not trust the other, or a file is wrong. No login was sent.
    #[error("no TLS connection with {server}: {reason}")]
    Insecure {
        /// The store.
        server: Server,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// It did not answer in time.
    #[error("{server} did not answer {path} within {limit:.1?}; check its load and the network")]
    TimedOut {
        /// The store.
        server: Server,
        /// What was requested.
        path: String,
        /// The time limit.
        limit: Duration,
    },
    /// It answered with an error.
    #[error("{server} answered {path} with {status}: {remedy}")]
    Status {
        /// The store.
        server: Server,
        /// What was requested.
        path: String,
        /// The status of HTTP.
        status: u16,
        /// What it means, and what to do.
        remedy: String,
    },
    /// The answer is not what the store would answer.
    #[error("{server} answered {path} with {invalid}; check that the host and the port are those of {}", server.name)]
    Invalid {
        /// The store.
        server: Server,
        /// What was requested.
        path: String,
        /// What is wrong with the answer.
        invalid: Invalid,
    },
    /// It holds too much.
    #[error("{server} answered {path} with more than {limit}; choose a prefix with less below it")]
    TooLarge {
        /// The store.
        server: Server,
        /// What was requested.
        path: String,
        /// What was exceeded.
        limit: String,
    },
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at {}", self.name, self.address)
    }
}
