//! The test kit: throw-away RabbitMQ nodes, programs as real processes, a MOV, and a raw AMQP client.
//!
//! # Layout
//!
//! | module | contents |
//! |---|---|
//! | [`node`] | RabbitMQ nodes and clusters that a test may kill, freeze or fill; virtual hosts on a shared node |
//! | [`process`] | programs with settings and a directory of their own, killed when the tests end |
//! | [`store`] | key-value stores that a test may kill, freeze or wipe: etcd and Consul |
//! | [`prometheus`] | Prometheus as a process, and its `promtool` |
//! | [`http`] | requests over HTTP |
//! | [`mov`] | the MOV simulator as a process, and what it reports |
//! | [`amqp`] | a client that publishes with confirms, receives, and inspects queues |
//! | [`certificates`] | authorities, and certificates of servers and clients |
//! | [`proxy`] | a TCP proxy that can drop all traffic |
//! | [`tls_terminator`] | a proxy that adds TLS to a server |
//! | [`log_capture`] | the log lines of the test process itself |
//! | [`wait`] | waiting for a state, within a limit |
//!
//! Functions panic when something goes wrong, with a message that says what, so that tests need no error handling.
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "every function may panic, to fail the test; a result that a test ignores is no mistake"
)]

pub mod amqp;
pub mod certificates;
pub mod http;
pub mod log_capture;
pub mod mov;
pub mod node;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod store;
pub mod tls_terminator;
pub mod wait;

pub use amqp::{Client, Message, Received};
pub use certificates::{Authority, Identity};
pub use mov::Mov;
pub use node::{Cluster, Node, TlsListener, Vhost};
pub use process::{Exit, Finished, Process, ProcessBuilder};
pub use prometheus::Prometheus;
pub use proxy::Proxy;
pub use store::{Consul, Etcd};
pub use tls_terminator::TlsTerminator;
pub use wait::{poll, wait_until};

/// Arguments of queues and headers of messages.
pub use amiquip::{AmqpValue, FieldTable};
pub use nix::sys::signal::Signal;
