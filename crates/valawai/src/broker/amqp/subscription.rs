//! One consumed queue.

use std::collections::VecDeque;

use amiquip::{Consumer, ConsumerMessage, Delivery};
use crossbeam_channel::{Receiver, TryRecvError};

use super::errors::{call_error, disconnected};
use crate::broker::{Access, Error};

pub(super) struct Subscription<'c> {
    pub(super) queue: String,
    pub(super) access: Access,
    pub(super) prefetch: u16,
    pub(super) consumer: Consumer<'c>,
    /// Deliveries that were received before those that wait in the consumer's receiver.
    pub(super) buffered: VecDeque<Delivery>,
}

impl Subscription<'_> {
    /// The next delivery, without waiting.
    pub(super) fn poll(&mut self) -> Result<Option<Delivery>, Error> {
        match self.buffered.pop_front() {
            Some(delivery) => Ok(Some(delivery)),
            None => self.receive(),
        }
    }

    /// Buffers all deliveries that wait in the receiver. Fails if the consumer was ended by the broker, which is only
    /// seen behind them.
    pub(super) fn buffer_deliveries(&mut self) -> Result<(), Error> {
        while let Some(delivery) = self.receive()? {
            self.buffered.push_back(delivery);
        }
        Ok(())
    }

    pub(super) fn receiver(&self) -> &Receiver<ConsumerMessage> {
        self.consumer.receiver()
    }

    fn receive(&self) -> Result<Option<Delivery>, Error> {
        match self.receiver().try_recv() {
            Ok(ConsumerMessage::Delivery(delivery)) => Ok(Some(delivery)),
            Ok(ConsumerMessage::ServerCancelled) => Err(Error::QueueGone { queue: self.queue.clone() }),
            Ok(ConsumerMessage::ServerClosedChannel(error) | ConsumerMessage::ServerClosedConnection(error)) => {
                Err(call_error("continue consuming", &error))
            }
            Ok(_) | Err(TryRecvError::Disconnected) => Err(disconnected()),
            Err(TryRecvError::Empty) => Ok(None),
        }
    }
}
