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
    #[track_caller]
    pub(crate) fn publish(&self, queue: &str, message: &Message) -> bool {
        let mut state = self.0.lock().expect("a publisher whose lock is not poisoned");
        state.publish(queue, message);
        state.wait_for_confirms(queue);
        // The broker returns an unroutable message before it confirms it.
        state.returns.try_iter().count() == 0
    }

    #[track_caller]
    pub(crate) fn publish_many(&self, queue: &str, count: u64, mut message: impl FnMut(u64) -> Message) {
        let mut state = self.0.lock().expect("a publisher whose lock is not poisoned");
        for number in 0..count {
            state.publish(queue, &message(number));
            state.process_received_confirms(queue);
        }
        state.wait_for_confirms(queue);
        let returned = state.returns.try_iter().count();
        assert_eq!(returned, 0, "messages returned because there is no queue {queue}");
    }
}

impl State {
    #[track_caller]
    fn publish(&mut self, queue: &str, message: &Message) {
        let mut publish = Publish::with_properties(&message.body, queue, message.properties.clone());
        publish.mandatory = true;
        self.channel.basic_publish("", publish).unwrap_or_else(|error| panic!("cannot publish to {queue}: {error}"));
        self.published += 1;
        self.unconfirmed.insert(self.published);
    }

    #[track_caller]
    fn wait_for_confirms(&mut self, queue: &str) {
        while !self.unconfirmed.is_empty() {
            match self.confirms.recv_deadline(Instant::now() + CONFIRM_LIMIT) {
                Ok(confirm) => self.process(confirm, queue),
                Err(RecvTimeoutError::Timeout) => panic!("no confirm of a message to {queue} within {CONFIRM_LIMIT:?}"),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("lost the connection while waiting for confirms of {queue}")
                }
            }
        }
    }

    #[track_caller]
    fn process_received_confirms(&mut self, queue: &str) {
        while let Ok(confirm) = self.confirms.try_recv() {
            self.process(confirm, queue);
        }
    }

    #[track_caller]
    fn process(&mut self, confirm: Confirm, queue: &str) {
        let Confirm::Ack(ack) = confirm else { panic!("the broker nacked a message to {queue}: {confirm:?}") };
        if ack.multiple {
            self.unconfirmed = self.unconfirmed.split_off(&(ack.delivery_tag + 1));
        } else {
            self.unconfirmed.remove(&ack.delivery_tag);
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} published, {} unconfirmed", self.published, self.unconfirmed.len())
    }
}
