//! Whether the MOV is up, and whether it may have restarted: it forgets everybody then, and tells nobody.

use std::time::{Duration, Instant};

/// A MOV that was out of sight for longer may have restarted meanwhile; none does so any quicker.
const BLINK: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct MovWatch {
    last_seen: Option<Instant>,
    is_down: bool,
}

/// What a look at the MOV's queue shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Down,
    /// It is up, and is seen for the first time.
    First,
    /// It is up as before.
    Same,
    /// It is up again, and may have restarted.
    Again,
}

impl MovWatch {
    /// Somebody looked, and saw so many consumers, or no queue at all.
    pub(super) fn look(&mut self, consumers: Option<u32>, now: Instant) -> Sight {
        if consumers.unwrap_or(0) == 0 {
            self.is_down = true;
            return Sight::Down;
        }
        let sight = match self.last_seen {
            _ if self.is_down => Sight::Again,
            None => Sight::First,
            Some(seen) if now - seen > BLINK => Sight::Again,
            Some(_) => Sight::Same,
        };
        self.last_seen = Some(now);
        self.is_down = false;
        sight
    }

    /// It is known to be down.
    pub(super) fn is_gone(&mut self) {
        self.is_down = true;
    }

    /// Whether it was up at the last look; `None` before the first.
    pub(super) fn is_up(&self) -> Option<bool> {
        if self.is_down { Some(false) } else { self.last_seen.map(|_| true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mov_that_was_out_of_sight_may_have_restarted() {
        let now = Instant::now();
        let mut watch = MovWatch::default();
        assert_eq!(watch.is_up(), None);
        assert_eq!(watch.look(Some(1), now), Sight::First);
        assert_eq!(watch.look(Some(1), now + BLINK), Sight::Same);
        assert_eq!(watch.look(Some(1), now + 3 * BLINK), Sight::Again, "nobody looked for long");
        assert_eq!(watch.look(None, now + 3 * BLINK), Sight::Down);
        assert_eq!(watch.is_up(), Some(false));
        assert_eq!(watch.look(Some(1), now + 3 * BLINK), Sight::Again, "it was down");
    }

    #[test]
    fn a_mov_that_comes_late_has_just_started() {
        let mut watch = MovWatch::default();
        assert_eq!(watch.look(Some(0), Instant::now()), Sight::Down);
        assert_eq!(watch.look(Some(1), Instant::now()), Sight::Again);
    }
}
