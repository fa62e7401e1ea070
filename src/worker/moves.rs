//! How a delivery is moved to one of the component's own queues: to be tried again, or to be looked at by people.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::hand::Hand;
use super::own_queues::{Move, Readiness, Target};
use crate::broker::{ATTEMPTS, Error, Tag};
use crate::mov::log::{Entry, Severity};
use crate::retry::RetryQueue;
use crate::router::Burial;

/// The longest reason that goes with a dead letter.
const LONGEST_REASON: usize = 500;

impl Hand<'_> {
    pub(super) fn retry(
        &mut self,
        tag: Tag,
        message_id: Option<String>,
        body: Vec<u8>,
        queue: RetryQueue,
        attempts: u32,
    ) -> Result<(), Error> {
        let headers = vec![(ATTEMPTS, attempts.to_string())];
        self.carry(Move { tag, body, message_id, to: Target::Retry(queue), headers, reported: false }, Instant::now())
    }

    pub(super) fn bury(&mut self, tag: Tag, message_id: Option<String>, burial: Burial) -> Result<(), Error> {
        let Burial { body, to, from, attempts, mut reason } = burial;
        reason.truncate(reason.floor_char_boundary(LONGEST_REASON));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let headers = vec![
            ("x-original-queue", from),
            (ATTEMPTS, attempts.to_string()),
            ("x-error", reason),
            ("x-failed-at", now.to_string()),
        ];
        self.carry(
            Move { tag, body, message_id, to: Target::DeadLetters(to), headers, reported: false },
            Instant::now(),
        )
    }

    /// Tries again what is held, as far as it is time.
    pub(super) fn carry_held(&mut self, now: Instant) -> Result<(), Error> {
        if self.own_queues.is_holding() {
            for delivery in self.own_queues.take_due(now) {
                self.carry(delivery, now)?;
            }
        }
        Ok(())
    }

    /// Publishes a delivery once more to one of our own queues; it is acknowledged when it arrived there. When the broker
    /// refuses that queue, the delivery is held.
    fn carry(&mut self, mut delivery: Move, now: Instant) -> Result<(), Error> {
        let refusal = match self.own_queues.prepare(self.link, &delivery.to, now)? {
            Readiness::Ready => {
                let headers: Vec<(&str, &str)> = delivery.headers.iter().map(|(name, text)| (*name, &**text)).collect();
                match self.link.forward(delivery.tag, &delivery.body, delivery.to.name(), &headers) {
                    Ok(sequence) => {
                        let (number, bytes) = (delivery.tag.number, delivery.body.len());
                        let message_id = delivery.message_id.as_deref();
                        self.book.moved(sequence, number, delivery.to.name(), message_id, bytes);
                        self.book.closed(number, Vec::new());
                        return Ok(());
                    }
                    Err(error @ Error::TooLarge { .. }) => Some(error.to_string()),
                    Err(error) => return Err(error),
                }
            }
            Readiness::Refused(news) => {
                news.map(|reason| format!("{reason}; delete that queue, or let the user of the component declare it"))
            }
        };
        if let Some(reason) = refusal.filter(|_| !delivery.reported) {
            delivery.reported = true;
            let queue = delivery.to.name();
            let message = format!("What belongs into {queue} waits unacknowledged, because {reason}");
            self.worker.log.add(Entry { severity: Severity::Error, message, payload: None });
        }
        self.book.hold(delivery.tag.number);
        self.own_queues.hold(delivery, now);
        Ok(())
    }
}
