//! Takes what still comes while a consumer is being cancelled.
//!
//! The broker's answer comes behind everything that is on the way, which may be a thousand large messages. Whoever waits
//! for the answer cannot take them, and held in memory they would be gigabytes: so they are taken here meanwhile, and
//! those that are too many lose their bodies. They were never handled, and go back to the broker.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use amiquip::{AmqpProperties, ConsumerMessage, Delivery};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::read_limiter::ReadLimiter;
use super::watchdog::Line;

/// How often it looks whether anything comes.
const TICK: Duration = Duration::from_millis(200);

/// What came before a consumer was cancelled, in order.
pub(super) struct Drain {
    /// The first ones, as many as may be kept.
    pub(super) kept: VecDeque<Delivery>,
    /// All others, without their bodies.
    pub(super) surplus: Vec<Delivery>,
    most: usize,
    most_bytes: usize,
}

impl Drain {
    /// Keeps `most` deliveries, and no more than `most_bytes` of bodies.
    pub(super) fn new(most: usize, most_bytes: usize) -> Self {
        Self { kept: VecDeque::new(), surplus: Vec::new(), most, most_bytes }
    }

    /// Takes what comes from `receiver` up to its end. The call that is under way on `line` waits for the broker's answer
    /// behind it, so it is given `limit` again whenever something was read.
    pub(super) fn follow(
        &mut self,
        receiver: &Receiver<ConsumerMessage>,
        read_limiter: &ReadLimiter,
        line: &Line,
        limit: Duration,
    ) {
        let (mut read, mut silent) = (read_limiter.bytes_read(), Duration::ZERO);
        while silent < limit {
            match receiver.recv_timeout(TICK) {
                Ok(ConsumerMessage::Delivery(delivery)) => self.take(delivery, read_limiter),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => silent += TICK,
            }
            if mem::replace(&mut read, read_limiter.bytes_read()) != read {
                silent = Duration::ZERO;
                line.extend(limit);
            }
        }
    }

    /// Takes `delivery`, which came after all others.
    pub(super) fn take(&mut self, mut delivery: Delivery, read_limiter: &ReadLimiter) {
        let bytes = delivery.body.len();
        if self.surplus.is_empty() && self.kept.len() < self.most && bytes <= self.most_bytes {
            self.most_bytes -= bytes;
            self.kept.push_back(delivery);
        } else {
            read_limiter.taken(bytes);
            delivery.body = Vec::new();
            delivery.properties = AmqpProperties::default();
            self.surplus.push(delivery);
        }
    }
}
