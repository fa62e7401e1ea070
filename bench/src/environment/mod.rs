//! What the benchmark runs on: the machine, child processes and a broker of its own.

mod broker;
mod broker_files;
mod machine;
mod process;

pub(crate) use broker::{Broker, Tls, VHOSTS};
pub(crate) use machine::Machine;
pub(crate) use process::{Process, command};
