//! The deliveries of a consumer.

use amiquip::{Consumer, ConsumerMessage, Delivery};
use crossbeam_channel::TryRecvError;

use super::ConnectionError;

/// The next delivery, or `None` if none has arrived.
pub(super) fn next_delivery(consumer: &Consumer<'_>) -> Result<Option<Delivery>, ConnectionError> {
    match consumer.receiver().try_recv() {
        Ok(ConsumerMessage::Delivery(delivery)) => Ok(Some(delivery)),
        Ok(end) => Err(ConnectionError::ConsumerEnded(format!("{end:?}"))),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(ConnectionError::Lost),
    }
}

/// Acknowledges a delivery and all before it.
pub(super) fn ack_up_to(consumer: &Consumer<'_>, last: Option<Delivery>) -> Result<(), ConnectionError> {
    match last {
        Some(delivery) => Ok(consumer.ack_multiple(delivery)?),
        None => Ok(()),
    }
}

/// Cancels a consumer, and receives what was already on its way: if a delivery found no receiver, amiquip would close the
/// connection.
pub(super) fn cancel(consumer: &Consumer<'_>) -> Result<(), ConnectionError> {
    let receiver = consumer.receiver().clone();
    consumer.cancel()?;
    while let Ok(message) = receiver.recv() {
        if matches!(message, ConsumerMessage::ClientCancelled) {
            break;
        }
    }
    Ok(())
}
