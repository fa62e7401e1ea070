//! Pauses a component that does more harm than good, because too many of the last messages failed.

use std::collections::VecDeque;
use std::time::Duration;

/// How many messages the ratio is computed from.
const WINDOW: usize = 50;

/// How long the consumer pauses when the circuit breaker opens.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// Opens when the ratio of failures among the last messages exceeds a limit.
#[derive(Debug, Default)]
pub(super) struct CircuitBreaker {
    failures: VecDeque<bool>,
}

impl CircuitBreaker {
    /// Records whether a message failed. If that opens the circuit breaker, because the ratio of failures is above `limit`,
    /// returns their number and starts with an empty window. Without a limit it never opens.
    pub(super) fn record(&mut self, failed: bool, limit: Option<f64>) -> Option<usize> {
        let limit = limit?;
        self.failures.push_back(failed);
        if self.failures.len() > WINDOW {
            self.failures.pop_front();
        }
        let count = self.failures.iter().filter(|failed| **failed).count();
        #[expect(clippy::cast_precision_loss, reason = "both numbers are small")]
        let opens = self.failures.len() == WINDOW && count as f64 / WINDOW as f64 > limit;
        opens.then(|| {
            self.failures.clear();
            count
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_once_for_each_full_window_above_the_limit() {
        let mut breaker = CircuitBreaker::default();
        for _ in 0..3 {
            let opened: Vec<_> = (0..WINDOW).filter_map(|number| breaker.record(number % 3 > 0, Some(0.5))).collect();
            assert_eq!(opened, [33]);
        }
    }

    #[test]
    fn it_stays_closed_at_the_limit() {
        let mut breaker = CircuitBreaker::default();
        assert!((0..1000).all(|number| breaker.record(number % 2 == 0, Some(0.5)).is_none()));
    }

    #[test]
    fn without_a_limit_it_never_opens() {
        let mut breaker = CircuitBreaker::default();
        assert!((0..1000).all(|_| breaker.record(true, None).is_none()));
    }
}
