//! The link of one thread to the broker inside the process.

use std::collections::VecDeque;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};
use parking_lot::MutexGuard;

use super::state::State;
use super::{MemoryBroker, OnPublish};
use crate::broker::{Confirm, Declared, Error, Event, Link, MAX_BROWSED, OwnQueue, Publish, Queues, Returned};
use crate::message::{Message, Outgoing};
use crate::routes::{Binding, Exchange};
use crate::shutdown::Shutdown;

/// The longest wait without a poll: nothing wakes a link when the delay of a message has passed.
const TICK: Duration = Duration::from_millis(50);

pub(super) struct MemoryLink {
    pub(super) broker: MemoryBroker,
    pub(super) number: u64,
    /// Signals that the state of the broker changed.
    changed: Receiver<()>,
    published: u64,
    events: VecDeque<Event>,
    /// Confirms that are withheld, with the queue of their message.
    withheld: Vec<(String, Confirm)>,
}

impl MemoryLink {
    pub(super) fn new(broker: MemoryBroker, session: u64) -> Self {
        let (waker, changed) = crossbeam_channel::bounded(1);
        let mut state = broker.state();
        state.wakers.push(waker);
        let number = state.open_link(session);
        drop(state);
        Self { broker, number, changed, published: 0, events: VecDeque::new(), withheld: Vec::new() }
    }

    /// The state of the broker, if the session is not over.
    pub(super) fn open(&self) -> Result<MutexGuard<'_, State>, Error> {
        let mut state = self.broker.state();
        state.link(self.number)?;
        Ok(state)
    }

    pub(super) fn send(&mut self, to: &str, message: Message, mandatory: bool) -> Result<u64, Error> {
        self.check_size(message.body.len())?;
        let message_id = message.properties.message_id.clone();
        let mut state = self.open()?;
        let on_publish = state.on_publish(to);
        let accepted = on_publish != OnPublish::Nack;
        let queue = state.queues.get_mut(to);
        let is_routed = queue.is_some();
        if let Some(queue) = queue.filter(|_| accepted) {
            queue.add(message);
        }
        state.wake_links();
        drop(state);
        self.published += 1;
        if !is_routed && mandatory {
            self.events.push_back(Event::Returned(Returned { to: to.to_owned(), message_id }));
        }
        let confirm = Confirm { sequence: self.published, multiple: false, accepted };
        match on_publish {
            OnPublish::Withhold => self.withheld.push((to.to_owned(), confirm)),
            OnPublish::Confirm | OnPublish::Nack => self.events.push_back(Event::Confirm(confirm)),
        }
        Ok(self.published)
    }

    /// Adds the events of confirms that are not withheld any more.
    fn release_confirms(&mut self) {
        if self.withheld.is_empty() {
            return;
        }
        let state = self.broker.state();
        let is_released = |(queue, _): &mut (String, Confirm)| state.on_publish(queue) != OnPublish::Withhold;
        self.events.extend(self.withheld.extract_if(.., is_released).map(|(_, confirm)| Event::Confirm(confirm)));
    }
}

impl Queues for MemoryLink {
    fn declare(&mut self, queue: &str) -> Result<(), Error> {
        self.open()?.queues.entry(queue.to_owned()).or_default();
        Ok(())
    }

    fn declare_own(&mut self, queue: &str, options: &OwnQueue<'_>) -> Result<(), Error> {
        let mut state = self.open()?;
        if state.forbidden.contains(queue) {
            let action = format!("declare the queue {queue}");
            return Err(Error::Denied { action, reason: "the queue exists with other arguments".into() });
        }
        let declared = state.queues.entry(queue.to_owned()).or_default();
        declared.delay = options.delay.map(|(after, to)| (Duration::from_millis(after.into()), to.to_owned()));
        declared.newest_only = options.newest_only;
        Ok(())
    }

    fn declare_service(&mut self, queue: &str, _keys: &[String]) -> Result<(), Error> {
        // There are no operators.
        self.declare(queue)
    }

    fn declare_exchange(&mut self, exchange: &Exchange) -> Result<Declared, Error> {
        let mut state = self.open()?;
        if !exchange.create && !state.exchanges.contains(&exchange.name) {
            let action = format!("use the exchange {}", exchange.name);
            return Err(Error::Denied { action, reason: "NOT_FOUND - no such exchange".into() });
        }
        state.exchanges.insert(exchange.name.clone());
        Ok(Declared::AsConfigured)
    }

    fn declare_route(&mut self, queue: &str, binding: Option<&Binding>) -> Result<Declared, Error> {
        if let Some(binding) = binding {
            self.declare_exchange(&binding.exchange)?;
        }
        self.declare(queue)?;
        Ok(Declared::AsConfigured)
    }

    fn browse(&mut self, queue: &str, take: &mut dyn FnMut(&Message) -> bool) -> Result<(), Error> {
        let mut state = self.open()?;
        let Some(found) = state.queues.get_mut(queue) else { return Ok(()) };
        let browsed: Vec<u64> = found.ready.keys().copied().take(MAX_BROWSED).collect();
        for position in browsed {
            if take(&found.ready[&position]) {
                found.ready.remove(&position);
            }
        }
        Ok(())
    }

    fn consumers(&mut self, queue: &str) -> Result<Option<u32>, Error> {
        Ok(self.open()?.queues.get(queue).map(|queue| queue.consumers))
    }

    fn is_missing(&mut self, queue: &str) -> Result<bool, Error> {
        Ok(!self.open()?.queues.contains_key(queue))
    }
}

impl Publish for MemoryLink {
    fn publish(&mut self, message: &Outgoing) -> Result<u64, Error> {
        let copy = Message { body: message.body.clone(), properties: message.properties.clone() };
        // Exchanges exist by their names only, and route nothing.
        let to = if message.exchange.is_some() { "" } else { &message.to };
        self.send(to, copy, message.mandatory)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn check_size(&mut self, bytes: usize) -> Result<(), Error> {
        match self.open()?.max_size {
            Some(max) if bytes > max => Err(Error::TooLarge { bytes, reason: format!("its limit is {max} bytes") }),
            _ => Ok(()),
        }
    }

    fn is_blocked(&self) -> bool {
        false
    }
}

impl Link for MemoryLink {
    fn poll(&mut self, deliveries: bool) -> Result<Option<Event>, Error> {
        drop(self.open()?);
        self.release_confirms();
        match self.events.pop_front() {
            Some(event) => Ok(Some(event)),
            None if deliveries => Ok(self.poll_delivery()?.map(Event::Delivery)),
            None => Ok(None),
        }
    }

    fn wait(&mut self, deliveries: bool, shutdown: Option<&Shutdown>, limit: Duration) {
        self.wait_for_signal(deliveries, &crossbeam_channel::never(), shutdown, limit);
    }

    fn wait_for_signal(
        &mut self,
        _deliveries: bool,
        signal: &Receiver<()>,
        shutdown: Option<&Shutdown>,
        limit: Duration,
    ) {
        let mut select = Select::new();
        select.recv(&self.changed);
        select.recv(signal);
        if let Some(shutdown) = shutdown {
            select.recv(shutdown.requested());
        }
        // `poll` determines what happened, if anything.
        let _ = select.ready_timeout(limit.min(TICK));
        let _ = self.changed.try_recv();
        let _ = signal.try_recv();
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        self.broker.state().end_link(self.number);
    }
}
