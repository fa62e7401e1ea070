//! What the tests stand on: a broker that may be killed, a component as a real process, a MOV, a raw client.
#![allow(dead_code, unused_imports, reason = "a tool kit; not each run of the tests needs each tool")]

pub(crate) mod amqp;
pub(crate) mod captured;
pub(crate) mod launch;
pub(crate) mod leash;
pub(crate) mod message;
pub(crate) mod mov;
pub(crate) mod node;
pub(crate) mod process;
pub(crate) mod proxy;
mod publisher;
pub(crate) mod sight;
pub(crate) mod wait;

pub(crate) use amqp::Client;
pub(crate) use launch::Launch;
pub(crate) use message::{Message, Received};
pub(crate) use mov::Mov;
pub(crate) use node::{Cluster, Node, Vhost};
pub(crate) use process::{Exit, Process};
pub(crate) use proxy::Proxy;
pub(crate) use wait::{poll, wait_until};
