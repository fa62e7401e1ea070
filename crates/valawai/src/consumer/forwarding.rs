//! Moves a delivery to one of the component's own queues: to be retried, or as a dead letter.

use std::time::Instant;

use super::consumer_loop::ConsumerLoop;
use super::outcome::DeadLetter;
use super::own_queues::{Forwarding, Readiness, Target};
use super::retry::RetryQueue;
use crate::broker::{ATTEMPTS, DELAYED, Error};
use crate::clock;
use crate::message::Message;
use crate::mov::log::{Entry, Severity};

/// The longest reason that a dead letter carries, in bytes.
const LONGEST_REASON: usize = 500;

impl ConsumerLoop<'_> {
    pub(super) fn retry(
        &mut self,
        tag: u64,
        message_id: Option<String>,
        body: Vec<u8>,
        queue: RetryQueue,
        attempts: u32,
    ) -> Result<(), Error> {
        let headers = vec![(ATTEMPTS, attempts.to_string())];
        let to = Target::Retry(queue);
        self.forward(Forwarding { tag, body, message_id, to, headers, is_reported: false }, clock::now())
    }

    /// Lets a message wait for its first attempt.
    pub(super) fn delay(&mut self, tag: u64, message: Message, queue: RetryQueue) -> Result<(), Error> {
        let Message { body, properties } = message;
        let (message_id, to) = (properties.message_id, Target::Retry(queue));
        let headers = vec![(DELAYED, "1".to_owned())];
        self.forward(Forwarding { tag, body, message_id, to, headers, is_reported: false }, clock::now())
    }

    pub(super) fn dead_letter(
        &mut self,
        tag: u64,
        message_id: Option<String>,
        letter: DeadLetter,
    ) -> Result<(), Error> {
        let DeadLetter { body, to, from, attempts, mut reason, .. } = letter;
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        let headers = vec![
            ("x-original-queue", from),
            (ATTEMPTS, attempts.to_string()),
            ("x-error", reason),
            ("x-failed-at", clock::seconds().to_string()),
        ];
        let to = Target::DeadLetters(to);
        self.forward(Forwarding { tag, body, message_id, to, headers, is_reported: false }, clock::now())
    }

    /// Forwards the parked deliveries whose queues may be tried again.
    pub(super) fn forward_parked(&mut self, now: Instant) -> Result<(), Error> {
        if self.own_queues.has_parked() {
            for delivery in self.own_queues.take_due(now) {
                self.forward(delivery, now)?;
            }
        }
        Ok(())
    }

    /// Publishes a delivery to one of the component's own queues. It is acknowledged when it has arrived there, and parked if
    /// the broker denies that queue.
    fn forward(&mut self, mut delivery: Forwarding, now: Instant) -> Result<(), Error> {
        let Some(obstacle) = self.try_to_forward(&delivery, now)? else { return Ok(()) };
        if let Obstacle::New(reason) = obstacle
            && !std::mem::replace(&mut delivery.is_reported, true)
        {
            let message = format!("Messages for {} wait unacknowledged, because {reason}", delivery.to.name());
            self.consumer.log.add(Entry::plain(Severity::Error, message));
        }
        self.in_flight.park(delivery.tag);
        self.own_queues.park(delivery, now);
        Ok(())
    }

    /// Returns why the delivery was not forwarded, if it was not.
    fn try_to_forward(&mut self, delivery: &Forwarding, now: Instant) -> Result<Option<Obstacle>, Error> {
        if let Readiness::Denied(reason) = self.own_queues.prepare(self.link, &delivery.to, now)? {
            let with_remedy =
                |reason| format!("{reason}; delete that queue, or permit the user of the component to declare it");
            return Ok(Some(reason.map(with_remedy).map_or(Obstacle::Known, Obstacle::New)));
        }
        let headers: Vec<(&str, &str)> = delivery.headers.iter().map(|(name, text)| (*name, &**text)).collect();
        let to = delivery.to.name();
        match self.link.forward(delivery.tag, &delivery.body, to, &headers) {
            Ok(sequence) => {
                let message_id = delivery.message_id.as_deref();
                self.in_flight.forward(sequence, delivery.tag, to, message_id, delivery.body.len());
                self.in_flight.complete(delivery.tag, Vec::new());
                Ok(None)
            }
            Err(error @ Error::TooLarge { .. }) => Ok(Some(Obstacle::New(error.to_string()))),
            Err(error) => Err(error),
        }
    }
}

/// Why a delivery cannot be forwarded.
enum Obstacle {
    /// A reason that was reported before.
    Known,
    /// A reason to report.
    New(String),
}
