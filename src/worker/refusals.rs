//! Keeps an eye on a broker that refuses what a worker says.
//!
//! A full queue refuses until somebody reads it. But also a channel can be left refused for ever: one that was open while
//! the leader of a quorum queue moved to another node. A session anew is the remedy, and does a full queue no harm.

use std::time::{Duration, Instant};

use crate::vitals::{Counted, Vitals};

/// Refusals without a break for so long call for a session anew.
const ENDLESS: Duration = Duration::from_secs(30);

pub(super) struct Refusals<'v> {
    vitals: &'v Vitals,
    now: Option<(Instant, Counted<'v>)>,
}

impl<'v> Refusals<'v> {
    pub(super) fn new(vitals: &'v Vitals) -> Self {
        Self { vitals, now: None }
    }

    /// The broker refused something.
    pub(super) fn begin(&mut self) {
        if self.now.is_none() {
            log::warn!("the broker refuses what is said, as a full queue does; the messages are heard again later");
            self.now = Some((Instant::now(), self.vitals.refused()));
        }
    }

    /// The broker took something.
    pub(super) fn end(&mut self) {
        self.now = None;
    }

    pub(super) fn are_endless(&self) -> bool {
        self.now.as_ref().is_some_and(|(since, _)| since.elapsed() > ENDLESS)
    }
}
