//! The deliveries of one consumer.

use amiquip::{Channel, Connection, Consumer, ConsumerMessage, Delivery};
use crossbeam_channel::TryRecvError;

/// Why the session is over.
pub(crate) type Lost = String;

pub(crate) fn next_delivery(consumer: &Consumer<'_>) -> Result<Option<Delivery>, Lost> {
    match consumer.receiver().try_recv() {
        Ok(ConsumerMessage::Delivery(delivery)) => Ok(Some(delivery)),
        Ok(end) => Err(format!("{end:?}")),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err("the connection is lost".to_owned()),
    }
}

/// All messages up to this one at once.
pub(crate) fn acknowledge(consumer: &Consumer<'_>, last: Option<Delivery>) -> Result<(), Lost> {
    last.map_or(Ok(()), |delivery| consumer.ack_multiple(delivery).map_err(lost))
}

/// Draining what is on its way before the consumer is dropped keeps the client from closing the whole connection.
pub(crate) fn cancel(consumer: &Consumer<'_>) -> Result<(), Lost> {
    let receiver = consumer.receiver().clone();
    consumer.cancel().map_err(lost)?;
    while let Ok(message) = receiver.recv() {
        if matches!(message, ConsumerMessage::ClientCancelled) {
            break;
        }
    }
    Ok(())
}

pub(crate) fn open(connection: &mut Connection) -> Result<Channel, Lost> {
    connection.open_channel(None).map_err(lost)
}

#[allow(clippy::needless_pass_by_value, reason = "an argument of map_err")]
pub(crate) fn lost(error: amiquip::Error) -> Lost {
    error.to_string()
}
