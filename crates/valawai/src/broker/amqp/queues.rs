//! Declares and browses queues.

use amiquip::{AmqpValue, ExchangeDeclareOptions, ExchangeType, FieldTable, QueueDeclareOptions};

use super::channel::Channel;
use super::connection::Connection;
use super::properties;
use crate::broker::{Error, MAX_BROWSED, OwnQueue, SERVICE_EXCHANGE};
use crate::message::Message;

/// How many requests of operators may wait for one process.
const MAX_REQUESTS: i64 = 100;

/// Declares `queue` durable, with the arguments that `options` require.
pub(super) fn declare(channel: &Channel, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
    let declare =
        QueueDeclareOptions { durable: true, arguments: arguments(options), ..QueueDeclareOptions::default() };
    let action = format!("declare the queue {queue}");
    channel.call(&action, |channel| channel.queue_declare(queue, declare).map(drop))
}

/// Declares the exchange for operators, and an exclusive queue that is bound with `keys`.
pub(super) fn declare_service(channel: &Channel, queue: &str, keys: &[String]) -> Result<(), Error> {
    let exchange = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let action = format!("declare the exchange {SERVICE_EXCHANGE}");
    channel
        .call(&action, |channel| channel.exchange_declare(ExchangeType::Topic, SERVICE_EXCHANGE, exchange).map(drop))?;
    let mut arguments = FieldTable::new();
    // Requests that nobody takes must not pile up. The default type of queues may be one that cannot be exclusive.
    arguments.insert("x-max-length".to_owned(), AmqpValue::LongLongInt(MAX_REQUESTS));
    arguments.insert("x-queue-type".to_owned(), AmqpValue::LongString("classic".to_owned()));
    let declare =
        QueueDeclareOptions { exclusive: true, auto_delete: true, arguments, ..QueueDeclareOptions::default() };
    let action = format!("declare the queue {queue}");
    channel.call(&action, |channel| channel.queue_declare(queue, declare).map(drop))?;
    for key in keys {
        let action = format!("bind {queue} to {SERVICE_EXCHANGE} with {key}");
        channel.call(&action, |channel| channel.queue_bind(queue, SERVICE_EXCHANGE, key, FieldTable::new()))?;
    }
    Ok(())
}

/// Gets the messages in `queue` on a channel of its own: closing it requeues those that `take` left, in their order.
pub(super) fn browse(
    connection: &Connection,
    queue: &str,
    take: &mut dyn FnMut(&Message) -> bool,
) -> Result<(), Error> {
    let channel = connection.open_channel()?;
    let action = format!("browse the queue {queue}");
    for _ in 0..MAX_BROWSED {
        let got = match channel.call(&action, |channel| channel.basic_get(queue, false)) {
            Ok(Some(got)) => got.delivery,
            // The queue is empty, or does not exist.
            Ok(None) | Err(Error::Denied { .. }) => break,
            Err(error) => return Err(error),
        };
        connection.read_limiter().release(got.body.len());
        let message = Message { properties: properties::from_amqp(&got.properties, false), body: got.body.clone() };
        if take(&message) {
            channel.call(&action, |channel| got.ack(channel))?;
        }
    }
    Ok(())
}

fn arguments(options: &OwnQueue<'_>) -> FieldTable {
    let mut arguments = FieldTable::new();
    let mut set = |name: &str, value: AmqpValue| arguments.insert(name.to_owned(), value);
    if let Some((milliseconds, to)) = options.delay {
        set("x-message-ttl", AmqpValue::LongLongInt(milliseconds.into()));
        set("x-dead-letter-exchange", AmqpValue::LongString(String::new()));
        set("x-dead-letter-routing-key", AmqpValue::LongString(to.to_owned()));
    }
    if let Some(milliseconds) = options.expires_after_ms {
        set("x-expires", AmqpValue::LongLongInt(milliseconds.into()));
    }
    if options.newest_only {
        set("x-max-length", AmqpValue::LongLongInt(1));
        // The default type may be quorum: such a queue drops a message that was browsed twenty times.
        set("x-queue-type", AmqpValue::LongString("classic".to_owned()));
    }
    arguments
}
