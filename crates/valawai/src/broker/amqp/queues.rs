//! Queues: declaring them, and looking into them without hearing them.

use amiquip::{AmqpValue, FieldTable, QueueDeclareOptions};

use super::connection::{Channel, Connection};
use super::properties;
use crate::broker::{Error, MAX_BROWSED, OwnQueue};
use crate::message::Message;

/// Declares `queue` durable, with the arguments that `options` need: none, for a channel of the platform.
pub(super) fn declare(channel: &Channel, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
    let declare =
        QueueDeclareOptions { durable: true, arguments: arguments(options), ..QueueDeclareOptions::default() };
    let action = format!("declare the queue {queue}");
    channel.ask(&action, |channel| channel.queue_declare(queue, declare).map(drop))
}

/// Looks at what waits in `queue`, on a channel of its own: what is not taken goes back to its place when that closes.
pub(super) fn browse(
    connection: &Connection,
    queue: &str,
    take: &mut dyn FnMut(&Message) -> bool,
) -> Result<(), Error> {
    let channel = connection.open_channel()?;
    let action = format!("look into the queue {queue}");
    for _ in 0..MAX_BROWSED {
        let got = match channel.ask(&action, |channel| channel.basic_get(queue, false)) {
            Ok(Some(got)) => got.delivery,
            // Nothing more, or no such queue.
            Ok(None) | Err(Error::Denied { .. }) => break,
            Err(error) => return Err(error),
        };
        connection.read_limiter().taken(got.body.len());
        let message = Message { properties: properties::taken_from(&got.properties), body: got.body.clone() };
        if take(&message) {
            channel.ask(&action, |channel| got.ack(channel))?;
        }
    }
    Ok(())
}

fn arguments(options: &OwnQueue<'_>) -> FieldTable {
    let mut arguments = FieldTable::new();
    let mut set = |name: &str, value: AmqpValue| arguments.insert(name.to_owned(), value);
    if let Some((milliseconds, then)) = options.delay {
        set("x-message-ttl", AmqpValue::LongLongInt(milliseconds.into()));
        set("x-dead-letter-exchange", AmqpValue::LongString(String::new()));
        set("x-dead-letter-routing-key", AmqpValue::LongString(then.to_owned()));
    }
    if let Some(milliseconds) = options.expires_after_ms {
        set("x-expires", AmqpValue::LongLongInt(milliseconds.into()));
    }
    if options.newest_only {
        set("x-max-length", AmqpValue::LongLongInt(1));
        // A quorum queue, which may be the default, throws away what was looked at twenty times.
        set("x-queue-type", AmqpValue::LongString("classic".to_owned()));
    }
    arguments
}
