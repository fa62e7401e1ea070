//! What the operators' commands use of RabbitMQ.
//!
//! An [`Operator`] is a session without threads of its own: it declares, inspects and deletes queues. An [`OperatorLink`]
//! publishes with confirms and moves messages, and [`Requests`] receives the replies to what it publishes. Every call has a time
//! limit. Nothing is logged: a command tells what happens.

mod ending;
mod link;
mod properties;
mod publishing;
mod queues;
mod requests;
mod values;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

pub use self::link::{OperatorEvent, OperatorLink, Received};
pub use self::properties::MessageProperties;
pub use self::publishing::{Outcome, Publication, Settled};
pub use self::queues::QueueState;
pub use self::requests::{RequestChannel, Requests};
use super::Options;
use super::channel::CALL_LIMIT;
use super::connection::Connector;
use super::connections::Connections;
use super::watchdog::Watchdog;
use crate::broker::Error;

/// The connections of a command.
pub struct Operator {
    connections: Connections,
}

impl Operator {
    /// Connects to the first of the hosts that accepts, within `limit`. All are tried at once, so that one that is frozen does
    /// not use up the time.
    ///
    /// # Errors
    /// If none accepts: the error of the last one.
    pub fn connect(options: &Options, limit: Duration) -> Result<Self, Error> {
        let deadline = Instant::now() + limit;
        let watchdog = Arc::new(Watchdog::start().map_err(Error::lost)?);
        let (sender, opened) = crossbeam_channel::bounded(options.hosts.len());
        for host in &options.hosts {
            let connector = Connector { options: options.clone(), host: host.clone(), watchdog: Arc::clone(&watchdog) };
            let sender = sender.clone();
            let open = move || {
                // Nobody receives it if another host was faster; then it is closed again.
                let _ = sender.send(Connections::open(connector));
            };
            thread::Builder::new().name("connect".into()).spawn(open).map_err(Error::lost)?;
        }
        drop(sender);
        let mut last_error = None;
        loop {
            match opened.recv_deadline(deadline) {
                Ok(Ok(connections)) => return Ok(Self { connections }),
                Ok(Err(error)) => last_error = Some(error),
                Err(RecvTimeoutError::Timeout) => return Err(no_answer(options, limit)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(last_error.unwrap_or_else(|| Error::lost("no host is configured")));
                }
            }
        }
    }
}

fn no_answer(options: &Options, limit: Duration) -> Error {
    let hosts: Vec<String> = options.hosts.iter().map(ToString::to_string).collect();
    Error::Unreachable { address: hosts.join(", "), reason: format!("no answer within {} s", limit.as_secs()) }
}

/// Makes `call`, and says so if it was the watchdog that ended it.
fn timed<T>(action: &str, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    call().map_err(|error| match error {
        Error::Lost { .. } if start.elapsed() >= CALL_LIMIT => Error::timed_out(action, CALL_LIMIT),
        error => error,
    })
}
