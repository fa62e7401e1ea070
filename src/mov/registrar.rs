//! Decides when to register, and which registrations to end. It touches nothing itself, so every case can be tested.
//!
//! The MOV gives a new identifier to each registration, forgets everybody when it restarts, and tells nobody. So: it is
//! watched, each notice for us is adopted, and whatever was held before is unregistered. Exactly one stays live.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::name::ComponentId;

/// A MOV that was out of sight for longer may have restarted meanwhile; none does so any quicker.
const BLINK: Duration = Duration::from_secs(3);

/// A MOV that starts finishes everybody *after* it began to consume: registering earlier would be in vain. How long it
/// has been there when it is first seen, nobody tells.
const SETTLE: Duration = Duration::from_secs(3);

/// Unanswered registrations are repeated after this many times `REGISTER_TIMEOUT` at the most.
const LONGEST_PATIENCE: u32 = 6;

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send a registration.
    Register,
    /// End the registration of an earlier time.
    Unregister(ComponentId),
}

/// Where the registration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The MOV is not there.
    Waiting,
    /// The MOV is there, and may still be starting.
    Settling { until: Instant },
    /// Registered, and not heard of it yet.
    Asked { until: Instant },
    /// The MOV knows us.
    Registered,
}

/// What a notice changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    /// It is who we are now.
    New,
    /// It is who we were already.
    Known,
    /// It is of an earlier time, and will be unregistered.
    Leftover,
}

/// The registration of one component, over all sessions.
#[derive(Debug)]
pub struct Registrar {
    timeout: Duration,
    phase: Phase,
    id: Option<ComponentId>,
    leftovers: BTreeSet<ComponentId>,
    under_way: BTreeSet<ComponentId>,
    last_seen: Option<Instant>,
    is_gone: bool,
    asked: u32,
    /// Registrations sent whose notices may still come.
    unanswered: u32,
}

impl Registrar {
    /// Registers anew when no notice came within `timeout`; `leftovers` are the identifiers that earlier runs left.
    #[must_use]
    pub fn new(timeout: Duration, leftovers: impl IntoIterator<Item = ComponentId>) -> Self {
        Self {
            timeout,
            phase: Phase::Waiting,
            id: None,
            leftovers: leftovers.into_iter().collect(),
            under_way: BTreeSet::new(),
            last_seen: None,
            is_gone: false,
            asked: 0,
            unanswered: 0,
        }
    }

    /// Who we are to the MOV, if it knows us.
    #[must_use]
    pub fn id(&self) -> Option<&ComponentId> {
        self.id.as_ref()
    }

    /// Whether the MOV is there and knows us.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Registered && !self.is_gone
    }

    /// Whether a notice may be on its way.
    #[must_use]
    pub fn awaits_notice(&self) -> bool {
        self.unanswered > 0 && !self.is_gone
    }

    /// The registration `id` is not ours, and will be ended.
    pub fn add_leftover(&mut self, id: ComponentId) {
        if self.id.as_ref() != Some(&id) && !self.under_way.contains(&id) {
            self.leftovers.insert(id);
        }
    }

    /// Another process registered the component meanwhile: what we held is over, and so is what it held.
    pub fn take_over(&mut self, held: Option<ComponentId>) {
        if held.is_some() && held == self.id {
            return;
        }
        self.leftovers.extend(held);
        self.leftovers.extend(self.id.take());
        self.last_seen = None;
        self.phase = Phase::Waiting;
    }

    /// A session began: what was under way in the last one may be lost.
    pub fn new_session(&mut self) {
        self.leftovers.append(&mut self.under_way);
    }

    /// Somebody looked at the MOV's queue and saw so many consumers, or no queue at all.
    pub fn saw_mov(&mut self, consumers: Option<u32>, now: Instant) {
        if consumers.unwrap_or(0) == 0 {
            self.mov_is_gone();
            return;
        }
        let may_be_new = self.is_gone || self.last_seen.is_none_or(|seen| now - seen > BLINK);
        self.last_seen = Some(now);
        self.is_gone = false;
        if may_be_new {
            self.start_again(now);
        }
    }

    /// Whether the MOV is there, and may still be starting.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        matches!(self.phase, Phase::Settling { .. })
    }

    /// The MOV is known to have started.
    pub fn mov_is_settled(&mut self, now: Instant) {
        if self.is_settling() {
            self.phase = Phase::Settling { until: now };
        }
    }

    /// Whether the MOV was there when it was last looked for; `None` before the first look.
    #[must_use]
    pub fn sees_mov(&self) -> Option<bool> {
        if self.is_gone { Some(false) } else { self.last_seen.map(|_| true) }
    }

    /// A registration came back: the MOV has never run here.
    pub fn mov_is_gone(&mut self) {
        self.is_gone = true;
        if self.phase != Phase::Registered {
            self.phase = Phase::Waiting;
        }
    }

    /// The MOV does not know our identifier any more.
    pub fn is_forgotten(&mut self, now: Instant) {
        if self.phase == Phase::Registered {
            self.start_again(now);
        }
    }

    fn start_again(&mut self, now: Instant) {
        // It may be live all the same, if the MOV was only out of sight.
        self.leftovers.extend(self.id.take());
        (self.asked, self.unanswered) = (0, 0);
        self.phase = Phase::Settling { until: now + SETTLE };
    }

    /// The MOV says that it registered us as `id`.
    pub fn noticed(&mut self, id: &ComponentId) -> Adoption {
        if self.id.as_ref() == Some(id) {
            return Adoption::Known;
        }
        if !matches!(self.phase, Phase::Asked { .. } | Phase::Registered) {
            self.leftovers.insert(id.clone());
            return Adoption::Leftover;
        }
        self.leftovers.extend(self.id.replace(id.clone()));
        self.leftovers.remove(id);
        self.phase = Phase::Registered;
        self.asked = 0;
        self.unanswered = self.unanswered.saturating_sub(1);
        Adoption::New
    }

    /// What is to be done now. Each step is told once.
    pub fn due(&mut self, now: Instant) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.last_seen.is_none() || self.is_gone {
            return steps;
        }
        while let Some(id) = self.leftovers.pop_first() {
            self.under_way.insert(id.clone());
            steps.push(Step::Unregister(id));
        }
        if let Phase::Settling { until } | Phase::Asked { until } = self.phase
            && until <= now
        {
            self.asked += 1;
            self.unanswered += 1;
            self.phase = Phase::Asked { until: now + self.timeout * self.asked.min(LONGEST_PATIENCE) };
            steps.push(Step::Register);
        }
        steps
    }

    /// How long a notice may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How many registrations were sent since the last notice.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// The end of the registration `id` is with the broker.
    pub fn unregistered(&mut self, id: &ComponentId) {
        self.under_way.remove(id);
    }

    /// The end of the registration `id` did not reach the broker; it is due again.
    pub fn not_unregistered(&mut self, id: &ComponentId) {
        self.leftovers.extend(self.under_way.take(id));
    }

    /// All that is to be unregistered when the component stops.
    pub fn leave(&mut self) -> Vec<ComponentId> {
        self.phase = Phase::Waiting;
        self.leftovers.extend(self.id.take());
        self.under_way.extend(self.leftovers.iter().cloned());
        std::mem::take(&mut self.leftovers).into_iter().collect()
    }
}

#[cfg(test)]
#[path = "registrar_tests.rs"]
mod tests;
