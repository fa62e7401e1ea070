//! Inspects queues.

use super::channel::Channel;
use super::connection::Connection;
use crate::broker::Error;

/// Inspects queues by passive declares, which close their channel if the queue does not exist.
pub(super) struct Inspector<'c> {
    connection: &'c Connection,
    channel: Option<Channel>,
}

/// The broker's reply to a passive declare.
pub(super) enum Inspection {
    Found { consumers: u32 },
    Refused { reason: String },
}

impl<'c> Inspector<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection, channel: None }
    }

    pub(super) fn inspect(&mut self, queue: &str) -> Result<Inspection, Error> {
        let channel = match self.channel.take() {
            Some(channel) => channel,
            None => self.connection.open_channel()?,
        };
        let action = format!("inspect the queue {queue}");
        let consumers = channel.call(&action, |channel| {
            channel.queue_declare_passive(queue).map(|found| found.declared_consumer_count().unwrap_or(0))
        });
        match consumers {
            Ok(consumers) => {
                self.channel = Some(channel);
                Ok(Inspection::Found { consumers })
            }
            Err(Error::Denied { reason, .. }) => Ok(Inspection::Refused { reason }),
            Err(error) => Err(error),
        }
    }
}
