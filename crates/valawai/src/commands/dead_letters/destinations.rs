//! Which keys have queues.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Left;
use crate::broker::Error;
use crate::broker::amqp::operator::Operator;
use crate::commands::exit::Stop;

/// The keys that are known to have a queue, and those that are known to have none or to be refused.
#[derive(Debug, Default)]
pub(super) struct Destinations {
    open: BTreeSet<String>,
    closed: BTreeMap<String, Left>,
}

impl Destinations {
    /// Why messages with this key are left. On the default exchange, the broker is asked once.
    pub(super) fn find_closed(&mut self, operator: &Operator, exchange: &str, key: &str) -> Result<Option<Left>, Stop> {
        if let Some(reason) = self.closed.get(key) {
            return Ok(Some(*reason));
        }
        if !exchange.is_empty() || self.open.contains(key) {
            return Ok(None);
        }
        match operator.inspect(key) {
            Ok(None) => {
                self.close(key.to_owned(), Left::Unroutable);
                Ok(Some(Left::Unroutable))
            }
            // Whoever may publish to a queue need not be permitted to inspect it. If there is none, the message is returned.
            Ok(Some(_)) | Err(Error::Denied { .. }) => {
                self.open.insert(key.to_owned());
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Messages with this key are left from now on.
    pub(super) fn close(&mut self, key: String, reason: Left) {
        self.closed.insert(key, reason);
    }
}
