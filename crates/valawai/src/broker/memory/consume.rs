//! Consuming from the broker inside the process.

use std::collections::BTreeMap;
use std::mem;

use super::link::MemoryLink;
use super::state::{State, Unsettled};
use crate::broker::{ATTEMPTS, Access, Consume, Delivery, Error};
use crate::message::Message;

/// The consumers of a link, and its unsettled deliveries.
#[derive(Default)]
pub(super) struct Deliveries {
    consumers: Vec<Consumer>,
    /// The consumer to poll next.
    next: usize,
    unsettled: BTreeMap<u64, Unsettled>,
    delivered: u64,
}

struct Consumer {
    queue: String,
    prefetch: usize,
    is_exclusive: bool,
}

impl Deliveries {
    pub(super) fn poll(&mut self, state: &mut State) -> Result<Option<Delivery>, Error> {
        state.move_delayed();
        for _ in 0..self.consumers.len() {
            let index = self.next % self.consumers.len();
            self.next = (self.next + 1) % self.consumers.len();
            let consumer = &self.consumers[index];
            let Some(queue) = state.queues.get_mut(&consumer.queue) else {
                return Err(Error::QueueGone { queue: consumer.queue.clone() });
            };
            if self.unsettled.len() >= consumer.prefetch {
                continue;
            }
            if let Some((position, message)) = queue.ready.pop_first() {
                self.delivered += 1;
                queue.delivered += 1;
                let unsettled = Unsettled { queue: consumer.queue.clone(), position, message: message.clone() };
                self.unsettled.insert(self.delivered, unsettled);
                return Ok(Some(Delivery { tag: self.delivered, consumer: index, message }));
            }
        }
        Ok(None)
    }

    pub(super) fn requeue_all(&mut self, state: &mut State) {
        for unsettled in mem::take(&mut self.unsettled).into_values() {
            state.requeue(unsettled);
        }
    }

    fn settle(&mut self, tag: u64) -> Result<Unsettled, Error> {
        self.unsettled.remove(&tag).ok_or_else(|| Error::not_in_flight(tag))
    }
}

impl Consume for MemoryLink {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else {
            return Err(Error::QueueGone { queue: queue.to_owned() });
        };
        let is_exclusive = access == Access::Exclusive;
        if found.is_exclusive || (is_exclusive && found.consumers > 0) {
            return Err(Error::LockHeld { queue: queue.to_owned() });
        }
        found.consumers += 1;
        found.is_exclusive = is_exclusive;
        drop(state);
        let prefetch = usize::from(prefetch);
        let consumer = Consumer { queue: queue.to_owned(), prefetch, is_exclusive };
        self.deliveries.consumers.push(consumer);
        Ok(())
    }

    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.deliveries.consumers[consumer].prefetch = usize::from(prefetch);
        // Messages are delivered when they are polled, so there is never a surplus.
        Ok(Vec::new())
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        let mut state = self.broker.state();
        for consumer in mem::take(&mut self.deliveries.consumers) {
            if let Some(queue) = state.queues.get_mut(&consumer.queue) {
                queue.consumers -= 1;
                queue.is_exclusive &= !consumer.is_exclusive;
            }
        }
        Ok(Vec::new())
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let unsettled = self.deliveries.unsettled.get(&tag).ok_or_else(|| Error::not_in_flight(tag))?;
        let mut properties = unsettled.message.properties.clone();
        if let Some((_, attempts)) = headers.iter().find(|(name, _)| *name == ATTEMPTS) {
            properties.attempts = attempts.parse().unwrap_or(0);
        }
        self.send(to, Message { body: body.to_vec(), properties }, true)
    }

    fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        drop(self.open()?);
        let Unsettled { queue, .. } = self.deliveries.settle(tag)?;
        self.broker.state().forget(&queue);
        Ok(())
    }

    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        self.acknowledge(tag)?;
        let later = self.deliveries.unsettled.split_off(&tag);
        let mut state = self.broker.state();
        for Unsettled { queue, .. } in mem::replace(&mut self.deliveries.unsettled, later).into_values() {
            state.forget(&queue);
        }
        Ok(())
    }

    fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        drop(self.open()?);
        let unsettled = self.deliveries.settle(tag)?;
        self.open()?.requeue(unsettled);
        Ok(())
    }
}
