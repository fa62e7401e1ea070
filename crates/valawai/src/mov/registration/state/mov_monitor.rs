//! Monitors whether the MOV is up and whether it may have restarted. It forgets all registrations when it restarts and
//! does not notify the components.

use std::time::{Duration, Instant};

/// The MOV takes longer to restart than this. If it was not observed for longer, it may have restarted meanwhile.
const SHORTEST_RESTART: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct MovMonitor {
    last_up: Option<Instant>,
    is_down: bool,
}

/// The MOV as it was observed, compared with the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Observation {
    Down,
    /// It is up and was never observed before.
    FirstUp,
    /// It is up and has not restarted.
    StillUp,
    /// It is up again and may have restarted.
    UpAgain,
}

impl MovMonitor {
    /// Records the number of consumers of the MOV's queue at some time between `asked` and `now`, `None` if the queue does not
    /// exist.
    pub(super) fn observe(&mut self, consumers: Option<u32>, asked: Instant, now: Instant) -> Observation {
        if consumers.unwrap_or(0) == 0 {
            self.is_down = true;
            return Observation::Down;
        }
        let observation = match self.last_up {
            _ if self.is_down => Observation::UpAgain,
            None => Observation::FirstUp,
            Some(last_up) if now - last_up > SHORTEST_RESTART => Observation::UpAgain,
            Some(_) => Observation::StillUp,
        };
        self.last_up = Some(asked);
        self.is_down = false;
        observation
    }

    /// Records that the MOV is down.
    pub(super) fn mark_down(&mut self) {
        self.is_down = true;
    }

    /// Whether the MOV was up when it was last observed; `None` if it was never observed.
    pub(super) fn is_up(&self) -> Option<bool> {
        if self.is_down { Some(false) } else { self.last_up.map(|_| true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mov_that_was_not_observed_is_neither_up_nor_down() {
        assert_eq!(MovMonitor::default().is_up(), None);
    }

    #[test]
    fn a_mov_that_was_not_observed_for_long_may_have_restarted() {
        let now = Instant::now();
        let mut monitor = MovMonitor::default();
        assert_eq!(monitor.observe(Some(1), now, now), Observation::FirstUp);
        assert_eq!(monitor.observe(Some(1), now + SHORTEST_RESTART, now + SHORTEST_RESTART), Observation::StillUp);
        assert_eq!(
            monitor.observe(Some(1), now + 3 * SHORTEST_RESTART, now + 3 * SHORTEST_RESTART),
            Observation::UpAgain
        );
    }

    #[test]
    fn a_broker_that_answers_late_may_have_seen_the_mov_long_before() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut monitor = MovMonitor::default();
        assert_eq!(monitor.observe(Some(1), now, now + 3 * second), Observation::FirstUp);
        assert_eq!(monitor.observe(Some(1), now + 4 * second, now + 4 * second), Observation::UpAgain);
    }

    #[test]
    fn a_mov_that_was_down_may_have_restarted() {
        let now = Instant::now();
        let mut monitor = MovMonitor::default();
        monitor.observe(Some(1), now, now);
        assert_eq!(monitor.observe(None, now, now), Observation::Down);
        assert_eq!(monitor.is_up(), Some(false));
        assert_eq!(monitor.observe(Some(1), now, now), Observation::UpAgain);
    }

    #[test]
    fn a_mov_that_comes_up_later_than_the_component_has_just_started() {
        let mut monitor = MovMonitor::default();
        assert_eq!(monitor.observe(Some(0), Instant::now(), Instant::now()), Observation::Down);
        assert_eq!(monitor.observe(Some(1), Instant::now(), Instant::now()), Observation::UpAgain);
    }
}
