//! What the MOV, or the broker, answers: pages, notices and confirms.

use std::time::Instant;

use super::{LastKnown, Phase, RECHECK_DELAY, RegistrationState};
use crate::mov::notice::Notice;
use crate::name::Id;

impl RegistrationState {
    /// The MOV answered a query: `live` are the live registrations of the component's name, the oldest first.
    pub(in crate::mov::registration) fn query_answered(&mut self, live: Vec<Notice>, now: Instant) {
        self.queries.answered();
        self.ending.retain(|id| live.iter().any(|notice| notice.id == *id));
        let mut live: Vec<Notice> = live.into_iter().filter(|notice| !self.stale.is_ending(&notice.id)).collect();
        let is_preferred = |notice: &Notice| self.is_preferred(&notice.id) && self.describes_component(notice);
        let kept = live.iter().position(is_preferred);
        let kept = kept.or_else(|| live.iter().position(|notice| self.describes_component(notice)));
        if kept.is_some() {
            self.look_for_registrations_that_are_not_in(&live, now);
        }
        self.expected_notices = 0;
        self.current = kept.map(|index| live.remove(index));
        self.stale.replace(live.into_iter().map(|notice| notice.id));
        self.last_known = None;
        self.phase = if self.current.is_some() { Phase::Registered } else { Phase::Unregistered };
    }

    /// Queries once more if the MOV has not processed each registration that was sent: it may do so later, and its notice may be
    /// lost.
    fn look_for_registrations_that_are_not_in(&mut self, live: &[Notice], now: Instant) {
        let sent = std::mem::take(&mut self.sent).max(self.expected_notices);
        let is_new = |notice: &&Notice| self.describes_component(notice) && !self.is_preferred(&notice.id);
        if live.iter().filter(is_new).count() < sent as usize {
            self.recheck_at = self.recheck_at.max(Some(now + self.answer_timeout()));
        }
    }

    /// Whether `id` is the registration to keep if several are live.
    fn is_preferred(&self, id: &Id) -> bool {
        match (&self.current, &self.last_known) {
            (Some(current), _) => current.id == *id,
            (None, Some(last_known)) => last_known.id == *id,
            (None, None) => false,
        }
    }

    /// Whether a registration describes the component as it is now.
    fn describes_component(&self, notice: &Notice) -> bool {
        let has_other_contract = self.last_known.as_ref().is_some_and(|LastKnown { id, contract }| {
            *id == notice.id && contract.as_ref().is_some_and(|contract| *contract != self.info.contract_fingerprint())
        });
        let has_ended = self.ending.contains(&notice.id) || self.stale.is_ended(&notice.id);
        !has_other_contract && !has_ended && self.info.matches(notice)
    }

    /// The query was not answered in time. A registration that may be live is queried again. If there is none, or after
    /// a long time without an answer, the component registers: a MOV that answers no queries may still register it.
    pub(super) fn query_timed_out(&mut self) {
        let may_be_live = self.last_known.is_some() || self.expected_notices > 0;
        if self.phase == Phase::Unknown && (!may_be_live || self.queries.is_at_longest_timeout()) {
            self.phase = Phase::Unregistered;
            self.queries.cancel();
        }
    }

    /// A notice arrived; its sender is not known. It is adopted only if one is expected. An unexpected notice is not
    /// trusted; it causes a query.
    pub(in crate::mov::registration) fn notice_received(&mut self, notice: Notice, now: Instant) {
        if self.stale.is_ended(&notice.id) {
            return;
        }
        match self.phase {
            _ if self.is_current(&notice.id) => self.current = Some(notice),
            Phase::Registering { .. } | Phase::Unregistered | Phase::Unknown if self.expected_notices > 0 => {
                self.expected_notices -= 1;
                self.adopt(notice, now);
            }
            Phase::Registered => {
                self.expected_notices = self.expected_notices.saturating_sub(1);
                self.queries.schedule_if_idle(now + RECHECK_DELAY);
                self.recheck_if_querying(now);
            }
            _ => {
                self.last_known.get_or_insert(LastKnown { id: notice.id, contract: None });
                self.recheck_if_querying(now);
            }
        }
    }

    /// Queries again after the answer that is expected: it may be older than the registration that was noticed.
    fn recheck_if_querying(&mut self, now: Instant) {
        if self.queries.expects_answer() {
            self.recheck_at = Some(now + RECHECK_DELAY);
        }
    }

    fn adopt(&mut self, notice: Notice, now: Instant) {
        // Another registration may be live: one that was known before, or one of this process that was not answered.
        let others = std::mem::take(&mut self.sent).saturating_sub(1);
        self.expected_notices = self.expected_notices.max(others);
        let may_be_two = self.expected_notices > 0 || self.last_known.take().is_some() || self.queries.has_unanswered();
        self.queries.answered();
        if may_be_two {
            self.queries.schedule(now + RECHECK_DELAY);
        }
        self.phase = Phase::Registered;
        self.current = Some(notice);
    }

    /// A notice arrived after the shutdown. If it is expected, its registration must be ended as well.
    pub(in crate::mov::registration) fn notice_received_while_stopping(&mut self, notice: Notice) {
        if self.expected_notices > 0 {
            self.expected_notices -= 1;
            if self.current.is_none() {
                self.current = Some(notice);
            } else {
                self.stale.add(notice.id);
            }
        }
    }

    /// The broker accepted the message that ends the registration `id`.
    pub(in crate::mov::registration) fn unregister_confirmed(&mut self, id: &Id) {
        self.stale.confirmed(id);
    }

    /// The broker rejected the message that ends the registration `id`, so it is sent again.
    pub(in crate::mov::registration) fn unregister_nacked(&mut self, id: &Id) {
        self.stale.nacked(id);
    }
}
