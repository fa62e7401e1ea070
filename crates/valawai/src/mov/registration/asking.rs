//! When the MOV is asked which registrations stand. One that does not answer is asked less and less often.

use std::time::{Duration, Instant};

/// The longest pause between two questions that are not answered.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct Asking {
    /// How long an answer may take.
    timeout: Duration,
    question: Question,
    /// Questions in a row that were not answered.
    silence: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    None,
    Due(Instant),
    Asked { until: Instant },
}

/// What is to be done about the question now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Wait,
    Ask,
    /// The last one was not answered in time.
    Unanswered,
}

impl Asking {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, question: Question::None, silence: 0 }
    }

    /// There is a reason to ask at the time `at`.
    pub(super) fn schedule(&mut self, at: Instant) {
        self.question = Question::Due(at);
    }

    /// The same, unless a question is due or asked already.
    pub(super) fn schedule_if_idle(&mut self, at: Instant) {
        if self.question == Question::None {
            self.schedule(at);
        }
    }

    /// There is nothing to ask any more.
    pub(super) fn cancel(&mut self) {
        self.question = Question::None;
    }

    /// The MOV answered, in whatever way.
    pub(super) fn answered(&mut self) {
        self.cancel();
        self.silence = 0;
    }

    /// The session was lost, and with it perhaps the answer.
    pub(super) fn session_lost(&mut self, now: Instant) {
        if self.awaits_answer() {
            self.schedule(now);
        }
    }

    pub(super) fn awaits_answer(&self) -> bool {
        matches!(self.question, Question::Asked { .. })
    }

    /// Whether the last question was not answered.
    pub(super) fn is_silent(&self) -> bool {
        self.silence > 0
    }

    /// Whether the MOV has been silent for as long as it is waited for.
    pub(super) fn is_silent_for_long(&self) -> bool {
        self.patience() >= LONGEST_PAUSE
    }

    /// How long anything that the MOV is asked for may take: longer and longer while it is silent.
    pub(super) fn patience(&self) -> Duration {
        let longest = LONGEST_PAUSE.max(self.timeout);
        self.timeout.saturating_mul(1 << self.silence.min(20)).min(longest)
    }

    /// What is to be done now. A question is told once.
    pub(super) fn turn(&mut self, now: Instant) -> Turn {
        match self.question {
            Question::Due(when) if when <= now => {
                self.question = Question::Asked { until: now + self.timeout };
                Turn::Ask
            }
            Question::Asked { until } if until <= now => {
                self.silence = self.silence.saturating_add(1);
                self.schedule(now + self.patience());
                Turn::Unanswered
            }
            _ => Turn::Wait,
        }
    }
}
