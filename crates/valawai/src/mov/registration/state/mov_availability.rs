//! Whether the MOV is up, starting, working, or down.

use std::time::{Duration, Instant};

use super::mov_monitor::Observation;
use super::{Phase, RegistrationState};

/// How long a MOV may take to start. It ends all registrations *after* it began to consume, so an earlier answer may
/// become wrong. How long a MOV has been up when it is first observed is not known.
pub(super) const STARTUP_DELAY: Duration = Duration::from_secs(3);

/// How soon a MOV that reports itself as not working is queried again.
pub(super) const NOT_WORKING_DELAY: Duration = Duration::from_secs(5);

impl RegistrationState {
    /// The queue of the MOV has this many consumers; `None` means that the queue does not exist. It was so at some time between
    /// `asked` and `now`.
    pub(in crate::mov::registration) fn observe_mov_since(
        &mut self,
        consumers: Option<u32>,
        asked: Instant,
        now: Instant,
    ) {
        match self.mov.observe(consumers, asked, now) {
            Observation::Down => self.mov_down(),
            Observation::StillUp => {}
            // A standby that took over has reported this registration already; its query is due now. A MOV that has just started
            // may know the registration until it has.
            Observation::FirstUp if self.phase == Phase::Registered => self.recheck_at = Some(now + STARTUP_DELAY),
            Observation::FirstUp | Observation::UpAgain => {
                self.drop_current();
                self.await_start(now);
            }
        }
    }

    /// Whether the MOV was up when it was last observed; `None` if it was never observed.
    pub(in crate::mov::registration) fn is_mov_up(&self) -> Option<bool> {
        self.mov.is_up()
    }

    /// Whether the MOV is up and may still be starting.
    pub(in crate::mov::registration) fn is_mov_starting(&self) -> bool {
        matches!(self.phase, Phase::MovStarting { .. })
    }

    /// The MOV has started.
    pub(in crate::mov::registration) fn mov_started(&mut self, now: Instant) {
        if let Phase::MovStarting { until } = &mut self.phase {
            *until = now.min(*until);
        }
    }

    /// The MOV is down. When it is up again, it may still know the registrations it knew.
    pub(in crate::mov::registration) fn mov_down(&mut self) {
        self.mov.mark_down();
        self.queries.cancel();
        if self.phase != Phase::Registered {
            self.phase = Phase::WaitingForMov;
        }
    }

    /// The MOV reports that it does not work, so the registration was not sent: such a MOV registers components but
    /// cannot notify them.
    pub(in crate::mov::registration) fn mov_not_working(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Registering { .. }) {
            self.expected_notices = self.expected_notices.saturating_sub(1);
            self.sent = self.sent.saturating_sub(1);
        }
        self.phase = Phase::Unknown;
        self.queries.schedule(now + NOT_WORKING_DELAY);
    }

    /// The MOV no longer knows the current registration.
    pub(in crate::mov::registration) fn registration_forgotten(&mut self, now: Instant) {
        self.current = None;
        self.last_known = None;
        self.await_start(now);
    }

    fn await_start(&mut self, now: Instant) {
        self.expected_notices = 0;
        self.queries.answered();
        self.phase = Phase::MovStarting { until: now + STARTUP_DELAY };
    }
}
