//! What the tests stand on: a broker that may be killed, a component as a real process, a MOV, a raw client.
#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "for tests, which are its documentation; every function panics with the story of what went wrong"
)]

pub mod amqp;
pub mod captured;
pub mod launch;
pub mod message;
pub mod mov;
pub mod node;
pub mod process;
pub mod process_reaper;
pub mod proxy;
mod publisher;
pub mod snapshot;
pub mod wait;

/// What the arguments of a queue are made of.
pub use amiquip::{AmqpValue, FieldTable};
pub use nix::sys::signal::Signal;

pub use amqp::Client;
pub use launch::Launch;
pub use message::{Message, Received};
pub use mov::Mov;
pub use node::{Cluster, Node, Vhost};
pub use process::{Exit, Process};
pub use proxy::Proxy;
pub use wait::{poll, wait_until};
