//! The MOV's connections to the broker. Like the real MOV, the simulator has two independent clients: one consumes the MOV's
//! own queues, the other one, shared by everything else, forwards and publishes messages.

mod connection;
mod consumer;
pub(crate) mod mov_queues;
pub(crate) mod shared_client;

use std::io;

use thiserror::Error;

/// Why a connection ended, or was not opened.
#[derive(Debug, Error)]
enum ConnectionError {
    #[error("cannot connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("{0}")]
    Client(#[from] amiquip::Error),
    #[error("a consumer ended: {0}")]
    ConsumerEnded(String),
    #[error("the connection was lost")]
    Lost,
}
