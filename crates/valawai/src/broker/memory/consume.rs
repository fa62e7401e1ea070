//! Consuming from the broker inside the process.

use std::mem;

use super::link::MemoryLink;
use super::state::{Consumer, State, Unsettled};
use crate::broker::{ATTEMPTS, Access, Consume, Delivery, Error};
use crate::message::Message;

impl MemoryLink {
    /// The next message for one of the consumers.
    pub(super) fn poll_delivery(&self) -> Result<Option<Delivery>, Error> {
        let mut state = self.broker.state();
        state.move_delayed();
        let (queues, link) = state.link(self.number)?;
        for _ in 0..link.consumers.len() {
            let index = link.next % link.consumers.len();
            link.next = (link.next + 1) % link.consumers.len();
            let consumer = &link.consumers[index];
            let Some(queue) = queues.get_mut(&consumer.queue) else {
                return Err(Error::QueueGone { queue: consumer.queue.clone() });
            };
            if link.unsettled.len() >= consumer.prefetch {
                continue;
            }
            if let Some((position, message)) = queue.ready.pop_first() {
                link.delivered += 1;
                queue.delivered += 1;
                let unsettled = Unsettled { queue: consumer.queue.clone(), position, message: message.clone() };
                link.unsettled.insert(link.delivered, unsettled);
                return Ok(Some(Delivery { tag: link.delivered, consumer: index, message }));
            }
        }
        Ok(None)
    }

    /// Takes a delivery from the unsettled ones.
    fn settle(&self, state: &mut State, tag: u64) -> Result<Unsettled, Error> {
        let (_, link) = state.link(self.number)?;
        link.unsettled.remove(&tag).ok_or_else(|| Error::not_in_flight(tag))
    }
}

impl Consume for MemoryLink {
    fn consume(&mut self, queue: &str, access: Access, prefetch: u16) -> Result<(), Error> {
        let mut state = self.broker.state();
        let (queues, link) = state.link(self.number)?;
        let Some(found) = queues.get_mut(queue) else {
            return Err(Error::QueueGone { queue: queue.to_owned() });
        };
        let is_exclusive = access == Access::Exclusive;
        if found.is_exclusive || (is_exclusive && found.consumers > 0) {
            return Err(Error::LockHeld { queue: queue.to_owned() });
        }
        found.consumers += 1;
        found.is_exclusive = is_exclusive;
        link.consumers.push(Consumer { queue: queue.to_owned(), prefetch: usize::from(prefetch), is_exclusive });
        Ok(())
    }

    fn set_prefetch(&mut self, consumer: usize, prefetch: u16) -> Result<Vec<u64>, Error> {
        self.broker.state().link(self.number)?.1.consumers[consumer].prefetch = usize::from(prefetch);
        // Messages are delivered when they are polled, so there is never a surplus.
        Ok(Vec::new())
    }

    fn cancel(&mut self) -> Result<Vec<u64>, Error> {
        let mut state = self.broker.state();
        let consumers = mem::take(&mut state.link(self.number)?.1.consumers);
        state.cancel(consumers);
        Ok(Vec::new())
    }

    fn forward(&mut self, tag: u64, body: &[u8], to: &str, headers: &[(&str, &str)]) -> Result<u64, Error> {
        let mut properties = {
            let mut state = self.broker.state();
            let (_, link) = state.link(self.number)?;
            let unsettled = link.unsettled.get(&tag).ok_or_else(|| Error::not_in_flight(tag))?;
            unsettled.message.properties.clone()
        };
        if let Some((_, attempts)) = headers.iter().find(|(name, _)| *name == ATTEMPTS) {
            properties.attempts = attempts.parse().unwrap_or(0);
        }
        self.send(to, Message { body: body.to_vec(), properties }, true)
    }

    fn acknowledge(&mut self, tag: u64) -> Result<(), Error> {
        let mut state = self.broker.state();
        let Unsettled { queue, .. } = self.settle(&mut state, tag)?;
        state.forget(&queue);
        Ok(())
    }

    fn acknowledge_up_to(&mut self, tag: u64) -> Result<(), Error> {
        self.acknowledge(tag)?;
        let mut state = self.broker.state();
        let (_, link) = state.link(self.number)?;
        let later = link.unsettled.split_off(&tag);
        for Unsettled { queue, .. } in mem::replace(&mut link.unsettled, later).into_values() {
            state.forget(&queue);
        }
        Ok(())
    }

    fn requeue(&mut self, tag: u64) -> Result<(), Error> {
        let mut state = self.broker.state();
        let unsettled = self.settle(&mut state, tag)?;
        state.requeue(unsettled);
        Ok(())
    }
}
