//! Keeps an eye on confirms that do not come.
//!
//! A quorum queue without a majority neither takes a message nor refuses it. The component would look healthy for ever.

use std::time::{Duration, Instant};

use crate::health::status::{ConsumerStatus, StatusGuard};

/// A confirm that takes longer is worth to be seen in the component's health, should it go on.
const LATE: Duration = Duration::from_secs(1);

/// How long the oldest publish without a confirm has been waiting, to the nearest look.
pub(super) struct Unconfirmed<'v> {
    status: &'v ConsumerStatus,
    limit: Duration,
    oldest: Option<u64>,
    since: Instant,
    late: Option<StatusGuard<'v>>,
}

impl<'v> Unconfirmed<'v> {
    pub(super) fn new(status: &'v ConsumerStatus, limit: Duration, now: Instant) -> Self {
        Self { status, limit, oldest: None, since: now, late: None }
    }

    /// Enters which publish is the oldest without a confirm, and returns whether it has waited for longer than the limit.
    /// While the broker says that it takes no messages there is nothing to wait for.
    pub(super) fn check(&mut self, oldest: Option<u64>, is_blocked: impl Fn() -> bool, now: Instant) -> bool {
        if oldest != self.oldest || oldest.is_none() {
            (self.oldest, self.since, self.late) = (oldest, now, None);
            return false;
        }
        let age = now.saturating_duration_since(self.since);
        if age < LATE.min(self.limit) {
            return false;
        }
        if is_blocked() {
            (self.since, self.late) = (now, None);
            return false;
        }
        if self.late.is_none() {
            self.late = Some(self.status.refused());
        }
        age > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_confirm_that_never_comes_is_seen_in_a_second_and_endless_after_the_limit() {
        let status = ConsumerStatus::default();
        let began = Instant::now();
        let mut unconfirmed = Unconfirmed::new(&status, LIMIT, began);
        let mut check = |oldest, seconds| unconfirmed.check(oldest, || false, began + Duration::from_secs(seconds));
        assert!(!check(Some(1), 0) && !status.is_refused());
        assert!(!check(Some(1), 2) && status.is_refused(), "a late confirm is not seen");
        assert!(!check(Some(2), 3) && !status.is_refused(), "it came, and the next one is not late");
        assert!(!check(Some(2), 62), "a minute has not passed since it was the oldest");
        assert!(check(Some(2), 64), "it goes on for ever");
        assert!(!check(None, 65) && !status.is_refused(), "nothing is awaited");
    }

    #[test]
    fn while_the_broker_is_blocked_the_clock_stands_still() {
        let status = ConsumerStatus::default();
        let began = Instant::now();
        let mut unconfirmed = Unconfirmed::new(&status, LIMIT, began);
        let at = |seconds| began + Duration::from_secs(seconds);
        for seconds in 0..600 {
            assert!(!unconfirmed.check(Some(1), || true, at(seconds)), "an alarm was taken for a lost confirm");
        }
        assert!(!status.is_refused());
        assert!(!unconfirmed.check(Some(1), || false, at(630)));
        assert!(unconfirmed.check(Some(1), || false, at(700)));
    }
}
