//! Schedules the queries to the MOV. A MOV that does not answer is queried at growing intervals.

use std::time::{Duration, Instant};

/// The longest interval between two queries that are not answered.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

#[derive(Debug)]
pub(super) struct QuerySchedule {
    /// How long an answer may take.
    timeout: Duration,
    query: Query,
    /// Consecutive queries that were not answered.
    unanswered: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Query {
    Idle,
    Scheduled { at: Instant },
    Sent { deadline: Instant },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// A query is to be sent.
    Query,
    /// The last query was not answered in time.
    Timeout,
}

impl QuerySchedule {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, query: Query::Idle, unanswered: 0 }
    }

    /// Schedules a query, in place of any other.
    pub(super) fn schedule(&mut self, at: Instant) {
        self.query = Query::Scheduled { at };
    }

    /// A query was sent, in place of any other.
    pub(super) fn sent(&mut self, now: Instant) {
        self.query = Query::Sent { deadline: now + self.timeout };
    }

    /// Whether no query is scheduled or sent.
    pub(super) fn is_idle(&self) -> bool {
        self.query == Query::Idle
    }

    /// Schedules a query unless one is scheduled or sent.
    pub(super) fn schedule_if_idle(&mut self, at: Instant) {
        if self.is_idle() {
            self.schedule(at);
        }
    }

    /// Drops the query that is scheduled or sent.
    pub(super) fn cancel(&mut self) {
        self.query = Query::Idle;
    }

    /// The MOV answered in some way.
    pub(super) fn answered(&mut self) {
        self.cancel();
        self.unanswered = 0;
    }

    /// The session was lost, and an answer may be lost with it.
    pub(super) fn session_lost(&mut self, now: Instant) {
        if self.expects_answer() {
            self.schedule(now);
        }
    }

    pub(super) fn expects_answer(&self) -> bool {
        matches!(self.query, Query::Sent { .. })
    }

    /// Whether the last query was not answered.
    pub(super) fn has_unanswered(&self) -> bool {
        self.unanswered > 0
    }

    /// Whether the timeout has grown to its longest.
    pub(super) fn is_at_longest_timeout(&self) -> bool {
        self.answer_timeout() >= LONGEST_TIMEOUT
    }

    /// How long the MOV may take to answer. It doubles with each query that is not answered.
    pub(super) fn answer_timeout(&self) -> Duration {
        let longest = LONGEST_TIMEOUT.max(self.timeout);
        self.timeout.saturating_mul(1 << self.unanswered.min(20)).min(longest)
    }

    /// Returns what is due now. A query is returned once.
    pub(super) fn next_due(&mut self, now: Instant) -> Due {
        match self.query {
            Query::Scheduled { at } if at <= now => {
                self.sent(now);
                Due::Query
            }
            Query::Sent { deadline } if deadline <= now => {
                self.unanswered = self.unanswered.saturating_add(1);
                self.schedule(now + self.answer_timeout());
                Due::Timeout
            }
            _ => Due::Nothing,
        }
    }
}
