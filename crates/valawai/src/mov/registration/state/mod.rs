//! Decides when to query the MOV, when to register, and which registrations to end. A state machine without I/O.
//!
//! A registration belongs to the component's name and is kept as long as the MOV knows it: people may have enabled or
//! disabled its connections, and a MOV whose broker restarted stops forwarding if a component that it still knows
//! registers again. So the MOV is queried for the live registrations of the name before each registration. If one of
//! them describes the component as it is now, it is adopted. Otherwise the component registers, and then the others are
//! ended.
//!
//! The MOV forgets all registrations when it restarts and does not notify the components, so it is monitored.

mod answers;
mod mov_availability;
mod mov_monitor;
mod query_schedule;
mod stale_registrations;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::mov_monitor::MovMonitor;
use self::query_schedule::{Due, QuerySchedule};
use self::stale_registrations::StaleRegistrations;
use super::identity_queue::RecordedRegistration;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::Notice;
use crate::name::Id;

/// How soon the MOV is queried if there may be a second registration.
const RECHECK_DELAY: Duration = Duration::from_secs(1);

/// What the registrar has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Query the MOV for the live registrations of the component's name.
    Query,
    /// Send a registration.
    Register,
    /// End a registration.
    Unregister(Id),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The MOV is down or was not observed yet.
    WaitingForMov,
    /// The MOV is up and may still be starting.
    MovStarting { until: Instant },
    /// It is not known whether a registration is live. A query is scheduled or sent.
    Unknown,
    /// No registration is live, so the component has to register.
    Unregistered,
    /// A registration was sent, and its notice has not arrived.
    Registering { until: Instant },
    /// The MOV knows the component.
    Registered,
}

/// The registration of one component, over all sessions of this process.
#[derive(Debug)]
pub(super) struct RegistrationState {
    info: ComponentInfo,
    phase: Phase,
    queries: QuerySchedule,
    current: Option<Notice>,
    last_known: Option<LastKnown>,
    stale: StaleRegistrations,
    /// Registrations that are not kept, because the last process of the component ended them. The MOV may still list them.
    ending: Vec<Id>,
    mov: MovMonitor,
    /// Registrations sent whose notices may still arrive.
    expected_notices: u32,
    /// Registrations sent since one was noticed.
    sent: u32,
    /// When the MOV is queried once more, because what it answered before may be out of date.
    recheck_at: Option<Instant>,
}

/// A registration that may be live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LastKnown {
    pub(super) id: Id,
    /// The fingerprint of the contract it was made with, if that is known.
    contract: Option<String>,
}

impl RegistrationState {
    /// `last_known` is a registration of an earlier run. The MOV may take `timeout` to answer.
    pub(super) fn new(info: ComponentInfo, timeout: Duration, last_known: Option<Id>) -> Self {
        Self {
            info,
            phase: Phase::WaitingForMov,
            queries: QuerySchedule::new(timeout),
            current: None,
            last_known: last_known.map(|id| LastKnown { id, contract: None }),
            stale: StaleRegistrations::default(),
            ending: Vec::new(),
            mov: MovMonitor::default(),
            expected_notices: 0,
            sent: 0,
            recheck_at: None,
        }
    }

    pub(super) fn info(&self) -> &ComponentInfo {
        &self.info
    }

    /// The current registration, as far as it is known.
    pub(super) fn current(&self) -> Option<&Notice> {
        self.current.as_ref()
    }

    /// A registration that may be live, although it is not the current one.
    pub(super) fn last_known(&self) -> Option<&LastKnown> {
        self.last_known.as_ref()
    }

    /// The last registrar knew of a registration that may be live. It is newer than what this process knows, unless the record of
    /// that was lost: then both may be live, and the other one is not kept.
    pub(super) fn may_be_live(&mut self, last_known: Option<LastKnown>) {
        let Some(last_known) = last_known else { return };
        let current = self.current.take().map(|notice| notice.id);
        let before = self.last_known.replace(last_known.clone()).map(|before| before.id);
        let others = current.into_iter().chain(before).filter(|id| *id != last_known.id);
        others.for_each(|id| self.stale.add(id));
    }

    /// The last process of the component was about to end these registrations when it stopped. If the MOV still lists them, it has
    /// not processed that yet, or the message was lost.
    pub(super) fn are_ending(&mut self, ids: Vec<Id>) {
        self.ending = ids;
    }

    /// The registrations that are not kept, for the record: the next process must not keep them either.
    pub(super) fn ending(&self) -> &[Id] {
        &self.ending
    }

    /// Whether a notice may still arrive.
    pub(super) fn expects_notice(&self) -> bool {
        self.expected_notices > 0 && self.mov.is_up() != Some(false)
    }

    /// Whether a query was sent and its answer may still arrive.
    pub(super) fn expects_answer(&self) -> bool {
        self.queries.expects_answer()
    }

    /// How long to wait for the notice of a registration. It grows while the MOV does not answer.
    pub(super) fn answer_timeout(&self) -> Duration {
        self.queries.answer_timeout()
    }

    /// This process became the registrar; `recorded` is the registration of the last one. If this process
    /// `was_standby`, it has reported that registration already, and continues to do so until the MOV answers
    /// otherwise.
    pub(super) fn take_over(&mut self, recorded: Option<RecordedRegistration>, was_standby: bool, now: Instant) {
        let is_current = |recorded: &RecordedRegistration| self.is_current(&recorded.notice.id);
        if !was_standby && recorded.as_ref().is_some_and(is_current) {
            return;
        }
        self.drop_current();
        self.phase = Phase::WaitingForMov;
        self.queries.cancel();
        self.mov = MovMonitor::default();
        if let Some(RecordedRegistration { notice, contract, .. }) = recorded {
            self.last_known = Some(LastKnown { id: notice.id.clone(), contract: Some(contract) });
            if was_standby {
                self.current = Some(notice);
                self.phase = Phase::Registered;
                self.queries.schedule(now);
            }
        }
    }

    /// A session was opened: messages of the last one may be lost.
    pub(super) fn session_opened(&mut self, now: Instant) {
        self.stale.session_lost();
        self.queries.session_lost(now);
        if matches!(self.phase, Phase::Registering { .. }) {
            self.phase = Phase::Unknown;
            self.queries.schedule(now + RECHECK_DELAY);
        }
    }

    /// Returns the steps that are due. Each is returned once.
    pub(super) fn next_steps(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.mov.is_up() != Some(true) {
            return steps;
        }
        if let Phase::MovStarting { until } | Phase::Registering { until } = self.phase
            && until <= now
        {
            self.phase = Phase::Unknown;
            self.queries.schedule(now);
        }
        if self.phase == Phase::Registered
            && self.queries.is_idle()
            && let Some(at) = self.recheck_at.take_if(|at| *at <= now)
        {
            self.queries.schedule(at);
        }
        match self.queries.next_due(now) {
            Due::Query => steps.push(Step::Query),
            Due::Timeout => self.query_timed_out(),
            Due::Nothing => {}
        }
        if self.phase == Phase::Unregistered {
            self.expected_notices += 1;
            self.sent += 1;
            self.phase = Phase::Registering { until: now + self.answer_timeout() };
            steps.push(Step::Register);
        }
        if self.phase == Phase::Registered {
            steps.extend(std::iter::from_fn(|| self.stale.next()).map(Step::Unregister));
        }
        steps
    }

    /// Whether there may be a registration beside the current one, for which the MOV was not queried yet.
    pub(super) fn may_have_second(&self) -> bool {
        let is_unsure = !self.queries.is_idle() || self.recheck_at.is_some();
        self.phase == Phase::Registered && self.mov.is_up() == Some(true) && is_unsure
    }

    /// A query is sent now, in place of any other.
    pub(super) fn query_sent(&mut self, now: Instant) {
        self.queries.sent(now);
    }

    /// The last process of the component stops. Returns all registrations to end: those that are live or may be.
    pub(super) fn unregister_all(&mut self) -> Vec<Id> {
        self.phase = Phase::WaitingForMov;
        let last_known = self.last_known.take().map(|last_known| last_known.id);
        let current = self.current.take().map(|current| current.id);
        last_known.into_iter().chain(current).for_each(|id| self.stale.add(id));
        let ending: Vec<Id> = std::iter::from_fn(|| self.stale.next()).collect();
        self.ending.extend(ending.iter().cloned());
        ending
    }

    fn is_current(&self, id: &Id) -> bool {
        self.current.as_ref().is_some_and(|current| current.id == *id)
    }

    /// The current registration may have ended, so it is no longer reported.
    fn drop_current(&mut self) {
        if let Some(notice) = self.current.take() {
            let contract = Some(self.info.contract_fingerprint());
            self.last_known = Some(LastKnown { id: notice.id, contract });
        }
    }
}
