//! Bounds what has been received and not yet been taken.
//!
//! amiquip buffers whatever the broker sends, without bound, and prefetch counts messages, not bytes: a thousand
//! messages of 16 MiB would be 16 GiB. When too much is held the read_limiter shuts, reading stops, and TCP makes the broker
//! wait. A trickle goes on all the same, so that the connection is not taken for dead.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use mio::{Ready, SetReadiness};

/// A trickle is let through once in so many ticks of the watchdog (of 100 ms).
const TICKS_PER_TRICKLE: u64 = 10;

#[derive(Debug)]
pub(super) struct ReadLimiter {
    limit: usize,
    held: AtomicUsize,
    /// How many calls need it open.
    lifted: AtomicUsize,
    shut: AtomicBool,
    trickle: AtomicBool,
    ticks: AtomicU64,
    read: AtomicU64,
    reader: SetReadiness,
}

/// How much may be read now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadAllowance {
    Free,
    Trickle,
    Shut,
}

impl ReadLimiter {
    /// Shuts when more than `limit` bytes are held, and wakes `reader` when it opens again.
    pub(super) fn new(limit: usize, reader: SetReadiness) -> Self {
        Self {
            limit,
            held: AtomicUsize::new(0),
            lifted: AtomicUsize::new(0),
            shut: AtomicBool::new(false),
            trickle: AtomicBool::new(false),
            ticks: AtomicU64::new(0),
            read: AtomicU64::new(0),
            reader,
        }
    }

    /// Asked by the reader before it reads. After [`ReadAllowance::Shut`] it is woken when there is a point in asking again.
    pub(super) fn allowance(&self) -> ReadAllowance {
        if !self.is_full() {
            return ReadAllowance::Free;
        }
        self.shut.store(true, Ordering::SeqCst);
        // Between the two lines above everything may have been taken, and nobody would wake us.
        if !self.is_full() {
            self.shut.store(false, Ordering::SeqCst);
            return ReadAllowance::Free;
        }
        if self.trickle.swap(false, Ordering::SeqCst) { ReadAllowance::Trickle } else { ReadAllowance::Shut }
    }

    /// So many bytes were `read`, and with them so many `of_bodies` came to their end. A body that is still coming cannot
    /// be taken, so it must not shut the read_limiter.
    pub(super) fn received(&self, read: usize, of_bodies: usize) {
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        self.held.fetch_add(of_bodies, Ordering::SeqCst);
    }

    /// How many bytes were ever read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// How many bytes may be held.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// So many of the bytes received were taken, or dropped.
    pub(super) fn taken(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::SeqCst);
        self.open_if_not_full();
    }

    /// Makes `call` with the read_limiter open, for an answer that comes soon, but may come behind something.
    pub(super) fn lifted<T>(&self, call: impl FnOnce() -> T) -> T {
        self.lifted.fetch_add(1, Ordering::SeqCst);
        self.open_if_not_full();
        let result = call();
        self.lifted.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn open_if_not_full(&self) {
        if !self.is_full() && self.shut.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    /// One tick of the clock.
    pub(super) fn nudge(&self) {
        let ticks = self.ticks.fetch_add(1, Ordering::Relaxed);
        if ticks.is_multiple_of(TICKS_PER_TRICKLE) && self.shut.load(Ordering::SeqCst) {
            self.trickle.store(true, Ordering::SeqCst);
            self.wake();
        }
    }

    fn is_full(&self) -> bool {
        self.held.load(Ordering::SeqCst) > self.limit && self.lifted.load(Ordering::SeqCst) == 0
    }

    /// Makes the reader ask again.
    pub(super) fn wake(&self) {
        // It fails only when the reader's event loop is gone, and then nobody waits.
        let _ = self.reader.set_readiness(Ready::readable());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_shuts_over_its_limit_lets_a_trickle_through_and_opens_again() {
        let (_registration, reader) = mio::Registration::new2();
        let read_limiter = ReadLimiter::new(100, reader);

        read_limiter.received(200, 100);
        assert_eq!(read_limiter.allowance(), ReadAllowance::Free, "exactly the limit is still allowed");
        read_limiter.received(1, 1);
        assert_eq!(read_limiter.allowance(), ReadAllowance::Shut);
        read_limiter.nudge();
        assert_eq!(read_limiter.allowance(), ReadAllowance::Trickle, "a shut read_limiter lets a trickle through");
        assert_eq!(read_limiter.allowance(), ReadAllowance::Shut, "one trickle is one read");
        read_limiter.lifted(|| assert_eq!(read_limiter.allowance(), ReadAllowance::Free, "a call needs it open"));
        assert_eq!(read_limiter.allowance(), ReadAllowance::Shut);
        read_limiter.taken(1);
        assert_eq!(read_limiter.allowance(), ReadAllowance::Free);
    }
}
