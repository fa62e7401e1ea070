//! Exponential back-off with jitter.

use std::time::Duration;

/// Computes the pause before the next attempt. The jitter keeps many components from reconnecting at the same time.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    /// Pauses that double from `first` up to `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, attempts: 0 }
    }

    /// The next pause: a random duration between half of the current upper bound and the bound itself.
    pub fn pause(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1 << self.attempts.min(20)).min(self.longest);
        self.attempts += 1;
        bound.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// Restarts at the first pause, after a success.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(2))
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = backoff();
        for bound in [100, 200, 400, 800, 1600, 2000, 2000].map(Duration::from_millis) {
            let pause = backoff.pause();
            assert!(pause >= bound / 2 && pause <= bound, "{pause:?} is not between half of {bound:?} and {bound:?}");
        }
    }

    #[test]
    fn a_reset_restarts_at_the_first_pause() {
        let mut backoff = backoff();
        for _ in 0..5 {
            backoff.pause();
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_millis(100));
    }

    #[test]
    fn a_thousand_attempts_do_not_overflow() {
        let mut backoff = backoff();
        assert!((0..1000).all(|_| backoff.pause() <= Duration::from_secs(2)));
    }
}
