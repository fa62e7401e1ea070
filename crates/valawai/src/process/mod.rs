//! The life of the process: connect, run, reconnect, and stop in time.
//!
//! [`App`] opens one session after another. In each, a `RunningSession` starts the `Tasks` of the component under a
//! `Supervisor`, waits for the first reason to end, and stops the tasks in order. `Changes` of the settings restart some of the
//! tasks, or lead to another broker.

mod app;
mod changes;
mod consumer_groups;
mod parts;
mod restart;
mod routes;
mod session;
pub mod signals;
mod starting;
mod stopping;
mod supervisor;
mod tasks;

pub use app::{App, Connect};
