//! Cancels consumers, and drains what is delivered to them meanwhile.
//!
//! The broker's reply to a cancel arrives behind everything that was sent before it, possibly a thousand large
//! messages. The thread that waits for the reply cannot receive them, so another thread for each consumer does.
//! Deliveries above the limits lose their bodies, which keeps memory bounded: they were not polled, and return to their
//! queue.

use std::collections::VecDeque;
use std::mem;
use std::thread;
use std::time::Duration;

use amiquip::{AmqpProperties, ConsumerMessage, Delivery};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::SMALL_STACK;
use super::channel::LinkChannels;
use super::errors::call_error;
use super::read_limiter::ReadLimiter;
use super::subscription::Subscription;
use super::watchdog::Deadline;
use crate::broker::Error;

/// How often a drain checks whether anything is still received.
const TICK: Duration = Duration::from_millis(200);

/// Which deliveries of a cancelled consumer stay buffered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    /// As many as the prefetch of each subscription.
    Prefetch,
}

/// Cancels the consumers of all `subscriptions`, which keep the deliveries that `keep` allows. Returns the others,
/// without their bodies, in the order of their delivery. `limit` restarts whenever something is received.
///
/// All consumers are drained at once, because the deliveries of one delay the reply to another. A consumer must not be
/// dropped while it receives deliveries, which would break the connection: it is cancelled, then drained up to its end.
pub(super) fn cancel_all(
    subscriptions: &mut [Subscription<'_>],
    channels: &LinkChannels,
    limit: Duration,
    keep: Keep,
) -> Result<Vec<Delivery>, Error> {
    if subscriptions.is_empty() {
        return Ok(Vec::new());
    }
    let channel = &channels.consuming;
    let (read_limiter, deadline) = (channels.consuming_connection.read_limiter(), channel.deadline());
    let max_bytes = read_limiter.limit() / subscriptions.len();
    let drains = thread::scope(|scope| {
        let mut threads = Vec::new();
        for subscription in &mut *subscriptions {
            let max_count = if keep == Keep::Prefetch { usize::from(subscription.prefetch) } else { 0 };
            let mut drain = Drain { max_count, max_bytes, kept: VecDeque::new(), surplus: Vec::new(), read_limiter };
            for delivery in mem::take(&mut subscription.buffered) {
                drain.add(delivery);
            }
            let receiver = subscription.receiver().clone();
            let run = move || {
                drain.run(&receiver, deadline, limit);
                drain
            };
            let thread = thread::Builder::new().name("drain".into()).stack_size(SMALL_STACK);
            threads.push(thread.spawn_scoped(scope, run).map_err(Error::lost)?);
        }
        for subscription in &*subscriptions {
            let cancelled = channel.guard(limit, |_| subscription.consumer.cancel());
            cancelled.map_err(|error| call_error("cancel a consumer", &error))?;
        }
        let drains = threads.into_iter().map(|thread| thread.join().map_err(|_| Error::lost("draining panicked")));
        drains.collect::<Result<Vec<Drain<'_>>, Error>>()
    })?;
    let mut surplus = Vec::new();
    for (subscription, drain) in subscriptions.iter_mut().zip(drains) {
        subscription.buffered = drain.kept;
        surplus.extend(drain.surplus);
    }
    surplus.sort_by_key(Delivery::delivery_tag);
    Ok(surplus)
}

/// The deliveries of one consumer, in order.
struct Drain<'c> {
    /// The first ones, within the limits.
    kept: VecDeque<Delivery>,
    /// All others, without their bodies.
    surplus: Vec<Delivery>,
    max_count: usize,
    max_bytes: usize,
    read_limiter: &'c ReadLimiter,
}

impl Drain<'_> {
    /// Receives until the consumer ends. The cancel in progress, whose reply arrives behind the deliveries, gets
    /// `limit` again whenever something is received.
    fn run(&mut self, receiver: &Receiver<ConsumerMessage>, deadline: &Deadline, limit: Duration) {
        let (mut bytes_read, mut idle) = (self.read_limiter.bytes_read(), Duration::ZERO);
        while idle < limit {
            match receiver.recv_timeout(TICK) {
                Ok(ConsumerMessage::Delivery(delivery)) => self.add(delivery),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => idle += TICK,
            }
            if mem::replace(&mut bytes_read, self.read_limiter.bytes_read()) != bytes_read {
                idle = Duration::ZERO;
                deadline.extend(limit);
            }
        }
    }

    fn add(&mut self, mut delivery: Delivery) {
        let bytes = delivery.body.len();
        if self.surplus.is_empty() && self.kept.len() < self.max_count && bytes <= self.max_bytes {
            self.max_bytes -= bytes;
            self.kept.push_back(delivery);
        } else {
            self.read_limiter.release(bytes);
            delivery.body = Vec::new();
            delivery.properties = AmqpProperties::default();
            self.surplus.push(delivery);
        }
    }
}
