//! Bounds the message bodies that are received and not yet polled.
//!
//! amiquip buffers everything that the broker sends, and the prefetch counts messages, not bytes: a thousand messages
//! of 16 MiB would be 16 GiB. Above the limit, reading pauses and TCP flow control makes the broker wait. Small
//! keep-alive reads continue meanwhile: without them, amiquip would miss the broker's heartbeats and close the
//! connection.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use mio::{Ready, SetReadiness};

/// The interval of keep-alive reads, in ticks of the watchdog (100 ms each).
const TICKS_PER_KEEP_ALIVE: u64 = 10;

#[derive(Debug)]
pub(super) struct ReadLimiter {
    /// The limit of `buffered`.
    limit: usize,
    /// Bytes of complete message bodies that were received and not released.
    buffered: AtomicUsize,
    /// How many calls run [without the limit](Self::without_limit).
    exempt_calls: AtomicUsize,
    is_paused: AtomicBool,
    is_keep_alive_due: AtomicBool,
    ticks: AtomicU64,
    bytes_read: AtomicU64,
    reader: SetReadiness,
}

/// How much may be read now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadAllowance {
    Unlimited,
    KeepAlive,
    Paused,
}

impl ReadLimiter {
    /// Pauses reading while more than `limit` bytes are buffered, and wakes `reader` when it resumes.
    pub(super) fn new(limit: usize, reader: SetReadiness) -> Self {
        Self {
            limit,
            buffered: AtomicUsize::new(0),
            exempt_calls: AtomicUsize::new(0),
            is_paused: AtomicBool::new(false),
            is_keep_alive_due: AtomicBool::new(false),
            ticks: AtomicU64::new(0),
            bytes_read: AtomicU64::new(0),
            reader,
        }
    }

    /// What the reader may read. After [`ReadAllowance::Paused`] the reader is woken when it should ask again.
    pub(super) fn allowance(&self) -> ReadAllowance {
        if !self.is_exceeded() {
            return ReadAllowance::Unlimited;
        }
        self.is_paused.store(true, Ordering::SeqCst);
        // A release between the check and the store has not woken the reader.
        if !self.is_exceeded() {
            self.is_paused.store(false, Ordering::SeqCst);
            return ReadAllowance::Unlimited;
        }
        if self.is_keep_alive_due.swap(false, Ordering::SeqCst) {
            ReadAllowance::KeepAlive
        } else {
            ReadAllowance::Paused
        }
    }

    /// Counts `bytes_read`, which completed message bodies of `body_bytes` in total. An incomplete body does not count:
    /// it cannot be polled before the rest of it is read.
    pub(super) fn received(&self, bytes_read: usize, body_bytes: usize) {
        self.bytes_read.fetch_add(bytes_read as u64, Ordering::Relaxed);
        self.buffered.fetch_add(body_bytes, Ordering::SeqCst);
    }

    /// Subtracts a body of `bytes` that was polled or dropped.
    pub(super) fn release(&self, bytes: usize) {
        self.buffered.fetch_sub(bytes, Ordering::SeqCst);
        self.resume();
    }

    /// Makes `call` with the limit suspended: its reply may arrive behind deliveries that are not polled meanwhile.
    pub(super) fn without_limit<T>(&self, call: impl FnOnce() -> T) -> T {
        self.exempt_calls.fetch_add(1, Ordering::SeqCst);
        self.resume();
        let result = call();
        self.exempt_calls.fetch_sub(1, Ordering::SeqCst);
        result
    }

    /// The number of bytes read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Called by the watchdog's clock.
    pub(super) fn tick(&self) {
        let ticks = self.ticks.fetch_add(1, Ordering::Relaxed);
        if ticks.is_multiple_of(TICKS_PER_KEEP_ALIVE) && self.is_paused.load(Ordering::SeqCst) {
            self.is_keep_alive_due.store(true, Ordering::SeqCst);
            self.wake();
        }
    }

    /// Makes the reader ask for its allowance again.
    pub(super) fn wake(&self) {
        // It fails only after the reader's event loop has ended.
        let _ = self.reader.set_readiness(Ready::readable());
    }

    fn resume(&self) {
        if !self.is_exceeded() && self.is_paused.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    fn is_exceeded(&self) -> bool {
        self.buffered.load(Ordering::SeqCst) > self.limit && self.exempt_calls.load(Ordering::SeqCst) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    fn limiter_with(buffered: usize) -> ReadLimiter {
        let (_registration, reader) = mio::Registration::new2();
        let limiter = ReadLimiter::new(LIMIT, reader);
        limiter.received(2 * buffered, buffered);
        limiter
    }

    #[test]
    fn reading_is_unlimited_up_to_the_limit() {
        assert_eq!(limiter_with(LIMIT).allowance(), ReadAllowance::Unlimited);
    }

    #[test]
    fn reading_pauses_above_the_limit_and_resumes_after_a_release() {
        let limiter = limiter_with(LIMIT + 1);
        assert_eq!(limiter.allowance(), ReadAllowance::Paused);
        limiter.release(1);
        assert_eq!(limiter.allowance(), ReadAllowance::Unlimited);
    }

    #[test]
    fn a_tick_allows_one_keep_alive_read_while_reading_is_paused() {
        let limiter = limiter_with(LIMIT + 1);
        assert_eq!(limiter.allowance(), ReadAllowance::Paused);
        limiter.tick();
        assert_eq!(limiter.allowance(), ReadAllowance::KeepAlive);
        assert_eq!(limiter.allowance(), ReadAllowance::Paused);
    }

    #[test]
    fn the_limit_is_suspended_during_a_call() {
        let limiter = limiter_with(LIMIT + 1);
        limiter.without_limit(|| assert_eq!(limiter.allowance(), ReadAllowance::Unlimited));
        assert_eq!(limiter.allowance(), ReadAllowance::Paused);
    }
}
