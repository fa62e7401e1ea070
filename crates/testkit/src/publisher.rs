//! Publishing with the broker's confirms.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use amiquip::{Channel, Confirm, Publish, Return};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::message::Message;

/// For one confirm after another; a broker in alarm does not confirm at all.
const CONFIRM_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Publisher(Mutex<Session>);

struct Session {
    channel: Channel,
    confirms: Receiver<Confirm>,
    returns: Receiver<Return>,
    published: u64,
    outstanding: BTreeSet<u64>,
}

impl Publisher {
    pub(crate) fn on(channel: Channel) -> Result<Self, amiquip::Error> {
        let confirms = channel.listen_for_publisher_confirms()?;
        let returns = channel.listen_for_returns()?;
        channel.enable_publisher_confirms()?;
        let session = Session { channel, confirms, returns, published: 0, outstanding: BTreeSet::new() };
        Ok(Self(Mutex::new(session)))
    }

    /// False if no queue took the message.
    #[track_caller]
    pub(crate) fn publish(&self, queue: &str, message: &Message) -> bool {
        let mut session = self.0.lock().expect("a publisher no thread broke");
        session.send(queue, message);
        session.wait_for_confirms(queue);
        // A message nobody took comes back before its confirm.
        session.returns.try_iter().count() == 0
    }

    #[track_caller]
    pub(crate) fn publish_many(&self, queue: &str, count: u64, mut message: impl FnMut(u64) -> Message) {
        let mut session = self.0.lock().expect("a publisher no thread broke");
        for number in 0..count {
            session.send(queue, &message(number));
            session.note_confirms(queue);
        }
        session.wait_for_confirms(queue);
        let returned = session.returns.try_iter().count();
        assert_eq!(returned, 0, "messages published to {queue} that no queue took");
    }
}

impl Session {
    #[track_caller]
    fn send(&mut self, queue: &str, message: &Message) {
        let mut publish = Publish::with_properties(&message.body, queue, message.properties.clone());
        publish.mandatory = true;
        self.channel.basic_publish("", publish).unwrap_or_else(|error| panic!("cannot publish to {queue}: {error}"));
        self.published += 1;
        self.outstanding.insert(self.published);
    }

    #[track_caller]
    fn wait_for_confirms(&mut self, queue: &str) {
        while !self.outstanding.is_empty() {
            match self.confirms.recv_deadline(Instant::now() + CONFIRM_LIMIT) {
                Ok(confirm) => self.note(confirm, queue),
                Err(RecvTimeoutError::Timeout) => panic!("no confirm for {queue} within {CONFIRM_LIMIT:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("lost the broker before it confirmed for {queue}"),
            }
        }
    }

    #[track_caller]
    fn note_confirms(&mut self, queue: &str) {
        while let Ok(confirm) = self.confirms.try_recv() {
            self.note(confirm, queue);
        }
    }

    #[track_caller]
    fn note(&mut self, confirm: Confirm, queue: &str) {
        let Confirm::Ack(ack) = confirm else { panic!("the broker refused a message for {queue}: {confirm:?}") };
        if ack.multiple {
            self.outstanding = self.outstanding.split_off(&(ack.delivery_tag + 1));
        } else {
            self.outstanding.remove(&ack.delivery_tag);
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} published, {} not confirmed", self.published, self.outstanding.len())
    }
}
