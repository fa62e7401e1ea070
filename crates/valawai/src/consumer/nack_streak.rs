//! Keeps an eye on a broker that refuses what a worker says.
//!
//! A full queue refuses until somebody reads it. But also a channel can be left refused for ever: one that was open while
//! the leader of a quorum queue moved to another node. A session anew is the remedy, and does a full queue no harm.

use std::time::{Duration, Instant};

use crate::health::status::{ConsumerStatus, StatusGuard};

/// NackStreak without a break for so long call for a session anew.
const ENDLESS: Duration = Duration::from_secs(30);

pub(super) struct NackStreak<'v> {
    status: &'v ConsumerStatus,
    now: Option<Streak<'v>>,
}

struct Streak<'v> {
    since: Instant,
    last: Instant,
    _counted: StatusGuard<'v>,
}

impl<'v> NackStreak<'v> {
    pub(super) fn new(status: &'v ConsumerStatus) -> Self {
        Self { status, now: None }
    }

    /// The broker refused something.
    pub(super) fn add(&mut self, now: Instant) {
        if let Some(streak) = &mut self.now {
            streak.last = now;
            return;
        }
        log::warn!("the broker refuses what is said, as a full queue does; the messages are heard again later");
        self.now = Some(Streak { since: now, last: now, _counted: self.status.refused() });
    }

    /// The broker took something.
    pub(super) fn end(&mut self) {
        self.now = None;
    }

    /// Nothing is outstanding: when what was refused did not come back within `pause`, another process has it.
    pub(super) fn end_after(&mut self, pause: Duration, now: Instant) {
        if self.now.as_ref().is_some_and(|streak| now.saturating_duration_since(streak.last) > pause) {
            self.end();
        }
    }

    pub(super) fn is_endless(&self, now: Instant) -> bool {
        self.now.as_ref().is_some_and(|streak| now.saturating_duration_since(streak.since) > ENDLESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(6);

    #[test]
    fn a_streak_ends_when_what_was_refused_does_not_come_back() {
        let (status, began) = (ConsumerStatus::default(), Instant::now());
        let mut nack_streak = NackStreak::new(&status);
        let at = |seconds| began + Duration::from_secs(seconds);
        nack_streak.add(at(0));
        nack_streak.end_after(PAUSE, at(5));
        assert!(status.is_refused(), "it may come back yet");
        nack_streak.end_after(PAUSE, at(7));
        assert!(!status.is_refused() && !nack_streak.is_endless(at(100)), "one refusal was taken for an endless one");
    }

    #[test]
    fn a_streak_that_goes_on_becomes_endless() {
        let (status, began) = (ConsumerStatus::default(), Instant::now());
        let mut nack_streak = NackStreak::new(&status);
        let at = |seconds| began + Duration::from_secs(seconds);
        for seconds in (0..35).step_by(5) {
            nack_streak.add(at(seconds));
            nack_streak.end_after(PAUSE, at(seconds + 4));
        }
        assert!(status.is_refused() && nack_streak.is_endless(at(31)));
        nack_streak.end();
        assert!(!status.is_refused());
    }
}
