//! Publishing with publisher confirms.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use amiquip::{Channel, Confirm, Publish, Return};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::Message;

/// Limit for each confirm: a broker with a resource alarm sends none.
const CONFIRM_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Publisher(Mutex<State>);

struct State {
    channel: Channel,
    confirms: Receiver<Confirm>,
    returns: Receiver<Return>,
    published: u64,
    unconfirmed: BTreeSet<u64>,
}

impl Publisher {
    pub(crate) fn new(channel: Channel) -> Result<Self, amiquip::Error> {
        let confirms = channel.listen_for_publisher_confirms()?;
        let returns = channel.listen_for_returns()?;
        channel.enable_publisher_confirms()?;
        let state = State { channel, confirms, returns, published: 0, unconfirmed: BTreeSet::new() };
        Ok(Self(Mutex::new(state)))
    }

    /// Publishes and waits for the confirm. Returns false if the message was returned because there is no such queue.
    pub(crate) fn publish(&self, queue: &str, message: &Message) -> Result<bool, String> {
        let mut state = self.0.lock().expect("a publisher whose lock is not poisoned");
        state.publish(queue, message)?;
        state.wait_for_confirms(queue)?;
        // The broker returns an unroutable message before it confirms it.
        Ok(state.returns.try_iter().count() == 0)
    }

    pub(crate) fn publish_many(
        &self,
        queue: &str,
        count: u64,
        mut message: impl FnMut(u64) -> Message,
    ) -> Result<(), String> {
        let mut state = self.0.lock().expect("a publisher whose lock is not poisoned");
        for number in 0..count {
            state.publish(queue, &message(number))?;
            state.process_received_confirms(queue)?;
        }
        state.wait_for_confirms(queue)?;
        match state.returns.try_iter().count() {
            0 => Ok(()),
            returned => Err(format!("{returned} messages were returned because there is no queue {queue}")),
        }
    }
}

impl State {
    fn publish(&mut self, queue: &str, message: &Message) -> Result<(), String> {
        let mut publish = Publish::with_properties(&message.body, queue, message.properties.clone());
        publish.mandatory = true;
        self.channel.basic_publish("", publish).map_err(|error| format!("cannot publish to {queue}: {error}"))?;
        self.published += 1;
        self.unconfirmed.insert(self.published);
        Ok(())
    }

    fn wait_for_confirms(&mut self, queue: &str) -> Result<(), String> {
        while !self.unconfirmed.is_empty() {
            match self.confirms.recv_deadline(Instant::now() + CONFIRM_LIMIT) {
                Ok(confirm) => self.process(confirm, queue)?,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("no confirm of a message to {queue} within {CONFIRM_LIMIT:?}"));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("lost the connection while waiting for confirms of {queue}"));
                }
            }
        }
        Ok(())
    }

    fn process_received_confirms(&mut self, queue: &str) -> Result<(), String> {
        while let Ok(confirm) = self.confirms.try_recv() {
            self.process(confirm, queue)?;
        }
        Ok(())
    }

    fn process(&mut self, confirm: Confirm, queue: &str) -> Result<(), String> {
        let Confirm::Ack(ack) = confirm else {
            return Err(format!("the broker nacked a message to {queue}: {confirm:?}"));
        };
        if ack.multiple {
            self.unconfirmed = self.unconfirmed.split_off(&(ack.delivery_tag + 1));
        } else {
            self.unconfirmed.remove(&ack.delivery_tag);
        }
        Ok(())
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} published, {} unconfirmed", self.published, self.unconfirmed.len())
    }
}
