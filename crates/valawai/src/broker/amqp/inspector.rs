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
    Found { messages: u32, consumers: u32 },
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
        let counts = channel.call(&action, |channel| {
            let found = channel.queue_declare_passive(queue)?;
            Ok((found.declared_message_count().unwrap_or(0), found.declared_consumer_count().unwrap_or(0)))
        });
        match counts {
            Ok((messages, consumers)) => {
                self.channel = Some(channel);
                Ok(Inspection::Found { messages, consumers })
            }
            Err(Error::Denied { reason, .. }) => Ok(Inspection::Refused { reason }),
            Err(error) => Err(error),
        }
    }
}
