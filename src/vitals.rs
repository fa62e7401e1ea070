//! What a process knows of its own work, for its health and for the other processes of its component.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts that the workers keep, in all their sessions.
#[derive(Debug, Default)]
pub struct Vitals {
    consumers: AtomicUsize,
    refused: AtomicUsize,
}

impl Vitals {
    /// How many consumers this process has.
    #[must_use]
    pub fn consumers(&self) -> usize {
        self.consumers.load(Ordering::SeqCst)
    }

    /// Whether the broker refuses what a worker says, as it does for a queue that is full.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused.load(Ordering::SeqCst) > 0
    }

    /// Counts `count` consumers for as long as the result lives.
    #[must_use]
    pub fn consuming(&self, count: usize) -> Counted<'_> {
        Counted::new(&self.consumers, count)
    }

    /// Counts a worker as refused for as long as the result lives.
    #[must_use]
    pub fn refused(&self) -> Counted<'_> {
        Counted::new(&self.refused, 1)
    }
}

/// Counts something until it is dropped.
#[derive(Debug)]
pub struct Counted<'v> {
    total: &'v AtomicUsize,
    count: usize,
}

impl<'v> Counted<'v> {
    fn new(total: &'v AtomicUsize, count: usize) -> Self {
        total.fetch_add(count, Ordering::SeqCst);
        Self { total, count }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.total.fetch_sub(self.count, Ordering::SeqCst);
    }
}
