//! Detects publishes that the broker does not confirm.
//!
//! A quorum queue without a majority neither accepts nor rejects messages. Without this check, the component would look
//! healthy forever.

use std::time::{Duration, Instant};

use crate::health::status::{ConsumerStatus, StatusGuard};

/// The age of a publish from which it counts as stalled.
const LATE_AFTER: Duration = Duration::from_secs(1);

/// The age of the oldest unconfirmed publish, as precise as the interval of the checks.
pub(crate) struct Unconfirmed<'s> {
    status: &'s ConsumerStatus,
    limit: Duration,
    oldest: Option<u64>,
    since: Instant,
    stalled: Option<StatusGuard<'s>>,
}

impl<'s> Unconfirmed<'s> {
    pub(crate) fn new(status: &'s ConsumerStatus, limit: Duration, now: Instant) -> Self {
        Self { status, limit, oldest: None, since: now, stalled: None }
    }

    /// Returns whether `oldest`, the oldest unconfirmed publish, is older than the limit. The time in which the broker is
    /// blocked does not count.
    pub(crate) fn check(&mut self, oldest: Option<u64>, is_blocked: impl Fn() -> bool, now: Instant) -> bool {
        if oldest != self.oldest || oldest.is_none() {
            (self.oldest, self.since, self.stalled) = (oldest, now, None);
            return false;
        }
        let age = now.saturating_duration_since(self.since);
        if age < LATE_AFTER.min(self.limit) {
            return false;
        }
        if is_blocked() {
            (self.since, self.stalled) = (now, None);
            return false;
        }
        self.stalled.get_or_insert_with(|| self.status.mark_stalled());
        age > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_late_confirm_is_stalled_until_it_comes() {
        let (status, start) = (ConsumerStatus::default(), Instant::now());
        let mut unconfirmed = Unconfirmed::new(&status, LIMIT, start);
        let mut check = |oldest, seconds| unconfirmed.check(oldest, || false, start + Duration::from_secs(seconds));
        assert!(!check(Some(1), 0) && !status.is_stalled());
        assert!(!check(Some(1), 2) && status.is_stalled(), "a late confirm is not stalled");
        assert!(!check(Some(2), 3) && !status.is_stalled(), "it was confirmed, and the next one is not late");
        assert!(!check(Some(2), 5) && status.is_stalled());
        assert!(!check(None, 6) && !status.is_stalled(), "nothing is unconfirmed");
    }

    #[test]
    fn a_publish_exceeds_the_limit_by_its_own_age() {
        let (status, start) = (ConsumerStatus::default(), Instant::now());
        let mut unconfirmed = Unconfirmed::new(&status, LIMIT, start);
        let mut check = |oldest, seconds| unconfirmed.check(oldest, || false, start + Duration::from_secs(seconds));
        assert!(!check(Some(1), 0));
        assert!(!check(Some(2), 3));
        assert!(!check(Some(2), 62), "it has been the oldest for less than a minute");
        assert!(check(Some(2), 64));
    }

    #[test]
    fn the_time_in_which_the_broker_is_blocked_does_not_count() {
        let (status, start) = (ConsumerStatus::default(), Instant::now());
        let mut unconfirmed = Unconfirmed::new(&status, LIMIT, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in 0..600 {
            assert!(!unconfirmed.check(Some(1), || true, at(seconds)), "an alarm counts as a lost confirm");
        }
        assert!(!status.is_stalled());
        assert!(!unconfirmed.check(Some(1), || false, at(630)));
        assert!(unconfirmed.check(Some(1), || false, at(700)));
    }
}
