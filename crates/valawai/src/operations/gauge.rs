//! A total to which several threads contribute.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The share of one thread in a total. It is subtracted when the gauge is dropped.
#[derive(Debug)]
pub struct Gauge<'m> {
    total: &'m AtomicUsize,
    share: usize,
}

impl<'m> Gauge<'m> {
    pub(super) fn new(total: &'m AtomicUsize) -> Self {
        Self { total, share: 0 }
    }

    /// Changes the share.
    pub fn set(&mut self, share: usize) {
        if share != self.share {
            // Wraps around for a smaller share, which subtracts.
            self.total.fetch_add(share.wrapping_sub(self.share), Ordering::Relaxed);
            self.share = share;
        }
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_gauge_is_the_sum_of_the_shares_of_running_threads() {
        let total = AtomicUsize::new(0);
        let mut one = Gauge::new(&total);
        let mut other = Gauge::new(&total);
        one.set(5);
        other.set(3);
        one.set(2);
        assert_eq!(total.load(Ordering::Relaxed), 5);
        drop(one);
        assert_eq!(total.load(Ordering::Relaxed), 3);
    }
}
