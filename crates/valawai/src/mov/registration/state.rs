//! Decides when to ask the MOV, when to register, and which registrations to end. A state machine without I/O.
//!
//! A registration belongs to the component's name and is kept for as long as the MOV knows it: people may have enabled or
//! disabled its connections by hand, and a MOV whose broker restarted stops forwarding when a component that it still
//! knows registers anew. So before each registration the MOV is asked which ones of our name stand. One of them that
//! describes the component as it is now is adopted; only if there is none the component registers, and then the others
//! are ended. The MOV forgets everybody when it restarts, and tells nobody, so it is watched.

use std::time::{Duration, Instant};

use super::asking::{Asking, Turn};
use super::identity_queue::Identity;
use super::mov_watch::{MovWatch, Sight};
use super::stale::Stale;
use crate::mov::component_info::ComponentInfo;
use crate::mov::notice::Notice;
use crate::name::ComponentId;

/// A MOV that starts finishes everybody *after* it began to consume: what it says earlier may not be true for long. How
/// long it has been up when it is first seen, nobody tells.
const SETTLE: Duration = Duration::from_secs(3);

/// How soon the MOV is asked when there may be a second registration.
const RECHECK: Duration = Duration::from_secs(1);

/// How soon a MOV that says that it does not work is asked again.
const ILL_PAUSE: Duration = Duration::from_secs(5);

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask which registrations of our name stand.
    Ask,
    /// Send a registration.
    Register,
    /// End a registration.
    Unregister(ComponentId),
}

/// Where the registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The MOV is down, or was not seen yet.
    Waiting,
    /// The MOV is up, and may still be starting.
    Settling { until: Instant },
    /// It is to be found out whether a registration stands.
    Unknown,
    /// None stands, so a registration is due.
    Unregistered,
    /// A registration was sent, and its notice has not come yet.
    Registering { until: Instant },
    /// The MOV knows us.
    Registered,
}

/// The registration of one component, over all sessions of this process.
#[derive(Debug)]
pub(super) struct RegistrationState {
    info: ComponentInfo,
    phase: Phase,
    asking: Asking,
    current: Option<Notice>,
    /// A registration that may stand, and the contract that it was made with if that is known.
    known: Option<(ComponentId, Option<String>)>,
    stale: Stale,
    mov: MovWatch,
    /// Registrations sent whose notices may still come.
    awaited: u32,
}

impl RegistrationState {
    /// `known` is a registration that an earlier run left. An answer of the MOV may take `timeout`.
    pub(super) fn new(info: ComponentInfo, timeout: Duration, known: Option<ComponentId>) -> Self {
        Self {
            info,
            phase: Phase::Waiting,
            asking: Asking::new(timeout),
            current: None,
            known: known.map(|id| (id, None)),
            stale: Stale::default(),
            mov: MovWatch::default(),
            awaited: 0,
        }
    }

    pub(super) fn info(&self) -> &ComponentInfo {
        &self.info
    }

    /// The registration that stands, as far as is known.
    pub(super) fn current(&self) -> Option<&Notice> {
        self.current.as_ref()
    }

    /// Whether a notice may be on its way.
    pub(super) fn awaits_notice(&self) -> bool {
        self.awaited > 0 && self.mov.is_up() != Some(false)
    }

    /// Whether an answer to a question is awaited.
    pub(super) fn awaits_answer(&self) -> bool {
        self.asking.awaits_answer()
    }

    /// How long the notice of a registration may take; a MOV that is silent is given more.
    pub(super) fn patience(&self) -> Duration {
        self.asking.patience()
    }

    /// This process became the registrar. `held` is what the last one held. If it `was_standby` it has vouched for that
    /// already, and goes on doing so until the MOV says otherwise.
    pub(super) fn take_over(&mut self, held: Option<Identity>, was_standby: bool, now: Instant) {
        let is_own = |held: &Identity| self.current.as_ref().is_some_and(|own| own.id == held.notice.id);
        if !was_standby && held.as_ref().is_some_and(is_own) {
            return;
        }
        self.forget_current();
        self.phase = Phase::Waiting;
        self.asking.cancel();
        self.mov = MovWatch::default();
        if let Some(Identity { notice, contract }) = held {
            self.known = Some((notice.id.clone(), Some(contract)));
            if was_standby {
                self.current = Some(notice);
                self.phase = Phase::Registered;
                self.asking.schedule(now);
            }
        }
    }

    /// A session began: what was sent in the last one may be lost.
    pub(super) fn new_session(&mut self, now: Instant) {
        self.stale.session_lost();
        self.asking.session_lost(now);
        if matches!(self.phase, Phase::Registering { .. }) {
            self.phase = Phase::Unknown;
            self.asking.schedule(now + RECHECK);
        }
    }

    /// Somebody looked at the MOV's queue and saw so many consumers, or no queue at all.
    pub(super) fn saw_mov(&mut self, consumers: Option<u32>, now: Instant) {
        match self.mov.look(consumers, now) {
            Sight::Down => self.mov_is_gone(),
            Sight::Same => {}
            // Whoever has just taken over from another process vouches for what that held, and asks at once.
            Sight::First if self.phase == Phase::Registered => {}
            Sight::First | Sight::Again => {
                self.forget_current();
                self.start_settling(now);
            }
        }
    }

    /// Whether the MOV is up, and may still be starting.
    pub(super) fn is_settling(&self) -> bool {
        matches!(self.phase, Phase::Settling { .. })
    }

    /// The MOV is known to have started.
    pub(super) fn mov_is_settled(&mut self, now: Instant) {
        if self.is_settling() {
            self.phase = Phase::Settling { until: now };
        }
    }

    /// Whether the MOV was up at the last look; `None` before the first.
    pub(super) fn sees_mov(&self) -> Option<bool> {
        self.mov.is_up()
    }

    /// There is no MOV. Those that it knew it may still know when it is back.
    pub(super) fn mov_is_gone(&mut self) {
        self.mov.is_gone();
        self.asking.cancel();
        if self.phase != Phase::Registered {
            self.phase = Phase::Waiting;
        }
    }

    /// The MOV says that it does not work: it would register us, and could not tell us.
    pub(super) fn mov_is_ill(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Registering { .. }) {
            self.awaited = self.awaited.saturating_sub(1);
        }
        self.phase = Phase::Unknown;
        self.asking.schedule(now + ILL_PAUSE);
    }

    /// The MOV does not know the current registration any more.
    pub(super) fn is_forgotten(&mut self, now: Instant) {
        self.current = None;
        self.known = None;
        self.start_settling(now);
    }

    fn start_settling(&mut self, now: Instant) {
        self.awaited = 0;
        self.asking.answered();
        self.phase = Phase::Settling { until: now + SETTLE };
    }

    fn forget_current(&mut self) {
        if let Some(notice) = self.current.take() {
            self.known = Some((notice.id, Some(self.info.contract())));
        }
    }

    /// The MOV says which registrations of our name stand.
    pub(super) fn answered(&mut self, standing: Vec<Notice>) {
        self.asking.answered();
        self.awaited = 0;
        let wanted = self.current.as_ref().map(|notice| &notice.id).or(self.known.as_ref().map(|(id, _)| id)).cloned();
        let mut standing: Vec<Notice> = standing.into_iter().filter(|it| !self.stale.is_ended(&it.id)).collect();
        let fits = |notice: &Notice| self.is_as_we_are(notice);
        let is_wanted = |notice: &Notice| Some(&notice.id) == wanted.as_ref() && fits(notice);
        let place = standing.iter().position(is_wanted).or_else(|| standing.iter().position(fits));
        self.current = place.map(|place| standing.remove(place));
        self.stale.set(standing.into_iter().map(|notice| notice.id));
        self.known = None;
        self.phase = if self.current.is_some() { Phase::Registered } else { Phase::Unregistered };
    }

    /// Whether a registration describes the component as it is now.
    fn is_as_we_are(&self, notice: &Notice) -> bool {
        let is_of_another_contract = self.known.as_ref().is_some_and(|(id, contract)| {
            *id == notice.id && contract.as_ref().is_some_and(|contract| *contract != self.info.contract())
        });
        !is_of_another_contract && self.info.is_described_by(notice)
    }

    /// A notice came, whoever sent it. Only one that is awaited is believed; whether others mean anything the MOV is asked.
    pub(super) fn noticed(&mut self, notice: Notice, now: Instant) {
        if self.stale.is_ended(&notice.id) {
            return;
        }
        let is_current = self.current.as_ref().is_some_and(|own| own.id == notice.id);
        match self.phase {
            _ if is_current => self.current = Some(notice),
            Phase::Registering { .. } | Phase::Unregistered | Phase::Unknown if self.awaited > 0 => {
                self.awaited -= 1;
                // Another registration may stand: one that was known before, or one of ours that was not answered.
                let may_be_two = self.awaited > 0 || self.known.take().is_some() || self.asking.is_silent();
                self.asking.answered();
                if may_be_two {
                    self.asking.schedule(now + RECHECK);
                }
                self.phase = Phase::Registered;
                self.current = Some(notice);
            }
            Phase::Registered => {
                self.awaited = self.awaited.saturating_sub(1);
                self.asking.schedule_if_idle(now + RECHECK);
            }
            _ => {
                self.known.get_or_insert((notice.id, None));
            }
        }
    }

    /// A notice came while the component leaves. If it is awaited, it is of a registration that is to be ended too.
    pub(super) fn noticed_while_leaving(&mut self, notice: Notice) {
        if self.awaited > 0 {
            self.awaited -= 1;
            self.stale.add(notice.id);
        }
    }

    /// What is to be done now. Each step is told once.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.mov.is_up() != Some(true) {
            return steps;
        }
        if let Phase::Settling { until } | Phase::Registering { until } = self.phase
            && until <= now
        {
            self.phase = Phase::Unknown;
            self.asking.schedule(now);
        }
        match self.asking.turn(now) {
            Turn::Ask => steps.push(Step::Ask),
            Turn::Unanswered => self.was_not_answered(),
            Turn::Wait => {}
        }
        if self.phase == Phase::Unregistered {
            self.awaited += 1;
            self.phase = Phase::Registering { until: now + self.patience() };
            steps.push(Step::Register);
        }
        if self.phase == Phase::Registered {
            steps.extend(std::iter::from_fn(|| self.stale.next()).map(Step::Unregister));
        }
        steps
    }

    /// What is known may stand, so it is asked again. Where nothing may stand, and after a long silence, the component registers
    /// all the same: a MOV that does not answer questions may still register.
    fn was_not_answered(&mut self) {
        let nothing_may_stand = self.known.is_none() && self.awaited == 0;
        if self.phase == Phase::Unknown && (nothing_may_stand || self.asking.is_silent_for_long()) {
            self.phase = Phase::Unregistered;
            self.asking.cancel();
        }
    }

    /// The end of the registration `id` is with the broker.
    pub(super) fn unregistered(&mut self, id: &ComponentId) {
        self.stale.confirmed(id);
    }

    /// The end of the registration `id` did not reach the broker; it is due again.
    pub(super) fn not_unregistered(&mut self, id: &ComponentId) {
        self.stale.nacked(id);
    }

    /// All that is to be unregistered when the last process of the component stops: what stands, and what may stand.
    pub(super) fn leave(&mut self) -> Vec<ComponentId> {
        self.phase = Phase::Waiting;
        self.forget_current();
        if let Some((id, _)) = self.known.take() {
            self.stale.add(id);
        }
        std::iter::from_fn(|| self.stale.next()).collect()
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
