//! Detects a broker that rejects everything that is published.
//!
//! A full queue rejects messages until some are consumed. But a channel that was open while the leader of a quorum queue
//! moved to another node may reject messages forever, and only reopening the session helps. For a full queue, reopening
//! does no harm.

use std::time::{Duration, Instant};

use crate::health::status::{ConsumerStatus, StatusGuard};

/// The session is reopened after a streak of this length.
const REOPEN_AFTER: Duration = Duration::from_secs(30);

/// The nacks since the last ack.
pub(super) struct NackStreak<'s> {
    status: &'s ConsumerStatus,
    streak: Option<Streak<'s>>,
}

struct Streak<'s> {
    since: Instant,
    last: Instant,
    _stalled: StatusGuard<'s>,
}

impl<'s> NackStreak<'s> {
    pub(super) fn new(status: &'s ConsumerStatus) -> Self {
        Self { status, streak: None }
    }

    /// Records a nack.
    pub(super) fn add(&mut self, now: Instant) {
        if let Some(streak) = &mut self.streak {
            streak.last = now;
            return;
        }
        log::warn!("the broker rejects published messages, as a full queue does; their deliveries are requeued");
        self.streak = Some(Streak { since: now, last: now, _stalled: self.status.mark_stalled() });
    }

    /// Ends the streak, because the broker accepted a message.
    pub(super) fn end(&mut self) {
        self.streak = None;
    }

    /// Ends a streak without nacks for longer than `limit`: the requeued deliveries went to another consumer.
    pub(super) fn end_after(&mut self, limit: Duration, now: Instant) {
        if self.streak.as_ref().is_some_and(|streak| now.saturating_duration_since(streak.last) > limit) {
            self.end();
        }
    }

    /// Whether the streak lasts for so long that the session must be reopened.
    pub(super) fn requires_reopening(&self, now: Instant) -> bool {
        self.streak.as_ref().is_some_and(|streak| now.saturating_duration_since(streak.since) > REOPEN_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(6);

    #[test]
    fn a_streak_ends_when_the_requeued_delivery_does_not_return() {
        let (status, start) = (ConsumerStatus::default(), Instant::now());
        let mut nack_streak = NackStreak::new(&status);
        let at = |seconds| start + Duration::from_secs(seconds);
        nack_streak.add(at(0));
        nack_streak.end_after(LIMIT, at(5));
        assert!(status.is_stalled(), "the delivery may still return");
        nack_streak.end_after(LIMIT, at(7));
        assert!(!status.is_stalled());
        assert!(!nack_streak.requires_reopening(at(100)), "one nack reopens the session");
    }

    #[test]
    fn a_long_streak_requires_reopening() {
        let (status, start) = (ConsumerStatus::default(), Instant::now());
        let mut nack_streak = NackStreak::new(&status);
        let at = |seconds| start + Duration::from_secs(seconds);
        for seconds in (0..35).step_by(5) {
            nack_streak.add(at(seconds));
            nack_streak.end_after(LIMIT, at(seconds + 4));
        }
        assert!(status.is_stalled() && nack_streak.requires_reopening(at(31)));
    }

    #[test]
    fn an_accepted_message_ends_a_streak() {
        let (status, now) = (ConsumerStatus::default(), Instant::now());
        let mut nack_streak = NackStreak::new(&status);
        nack_streak.add(now);
        nack_streak.end();
        assert!(!status.is_stalled());
    }
}
