//! Stops a component that does more harm than good: when too many of the last messages failed, it pauses.

use std::collections::VecDeque;
use std::time::Duration;

/// How many of the last messages are looked at.
const WINDOW: usize = 50;

/// How long the pause is, before it is tried again.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// Trips when the failures among the last messages pass a ratio.
#[derive(Debug)]
pub(super) struct CircuitBreaker {
    ratio: Option<f64>,
    last: VecDeque<bool>,
}

impl CircuitBreaker {
    /// Trips above `ratio`, or never.
    pub(super) fn new(ratio: Option<f64>) -> Self {
        Self { ratio, last: VecDeque::new() }
    }

    /// Enters how a message went, and tells how many of the last failed if that is too many. It starts anew then.
    pub(super) fn record(&mut self, failed: bool) -> Option<usize> {
        let ratio = self.ratio?;
        self.last.push_back(failed);
        if self.last.len() > WINDOW {
            self.last.pop_front();
        }
        let failures = self.last.iter().filter(|failed| **failed).count();
        #[expect(clippy::cast_precision_loss, reason = "both are small")]
        let is_too_much = self.last.len() == WINDOW && failures as f64 / WINDOW as f64 > ratio;
        is_too_much.then(|| {
            self.last.clear();
            failures
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_trips_above_its_ratio_once_it_has_seen_enough_and_starts_anew() {
        let mut switch = CircuitBreaker::new(Some(0.5));
        for _ in 0..3 {
            let tripped: Vec<_> = (0..WINDOW).map(|number| switch.record(number % 3 > 0)).collect();
            assert_eq!(tripped.iter().filter_map(|failures| *failures).collect::<Vec<_>>(), [33]);
        }
        let mut switch = CircuitBreaker::new(Some(0.5));
        assert!((0..1000).all(|number| switch.record(number % 2 == 0).is_none()), "half is not more than half");
        let mut off = CircuitBreaker::new(None);
        assert!((0..1000).all(|_| off.record(true).is_none()), "it is off");
    }
}
