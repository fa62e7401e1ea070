//! The threads of one session: how they are started, called to stop, and heard of when they ended.

use std::convert::Infallible;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use crate::broker::{ConsumeOn, Error, Link, Session, Stop};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Worker,
    Speaker,
    Registrar,
    Writer,
}

/// What a thread reports.
pub(super) enum Report {
    /// It hears all that it should.
    Ready,
    /// It is done, or its session is over.
    Ended(Role, Result<(), Error>),
}

/// Calls a group of threads to stop, by being dropped.
pub(super) struct Call {
    _caller: Sender<Infallible>,
    stop: Stop,
}

impl Call {
    pub(super) fn new() -> Self {
        let (caller, stop) = crossbeam_channel::bounded(0);
        Self { _caller: caller, stop }
    }

    /// What a thread of the group watches.
    pub(super) fn stop(call: Option<&Self>) -> Stop {
        call.expect("nobody starts to work while leaving").stop.clone()
    }
}

pub(super) struct Threads {
    session: Box<dyn Session>,
    reporter: Sender<Report>,
    reports: Receiver<Report>,
    at_work: Vec<Role>,
}

impl Threads {
    pub(super) fn new(session: Box<dyn Session>) -> Self {
        let (reporter, reports) = crossbeam_channel::unbounded();
        Self { session, reporter, reports, at_work: Vec::new() }
    }

    /// Starts a thread that does `work` with a link of its own to the session, and reports how it went.
    pub(super) fn start(
        &mut self,
        name: &str,
        role: Role,
        consumes_on: ConsumeOn,
        work: impl FnOnce(&mut dyn Link, &mut dyn FnMut()) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let report = EndReport { reporter: self.reporter.clone(), role, result: None };
        self.at_work.push(role);
        self.session.spawn(
            name,
            consumes_on,
            Box::new(move |link| {
                let mut report = report;
                let reporter = report.reporter.clone();
                // The shift may be over already, and then nobody asks.
                let mut ready = || drop(reporter.send(Report::Ready));
                report.result = Some(link.and_then(|link| work(link, &mut ready)));
                drop(report);
            }),
        )
    }

    /// To wait for together with something else; what comes is for [`Self::note`].
    pub(super) fn reports(&self) -> &Receiver<Report> {
        &self.reports
    }

    /// Notes what a thread reports, and tells how it ended if it did.
    pub(super) fn note(&mut self, report: Report) -> Option<(Role, Result<(), Error>)> {
        let Report::Ended(role, result) = report else { return None };
        if let Some(place) = self.at_work.iter().position(|other| *other == role) {
            self.at_work.swap_remove(place);
        }
        Some((role, result))
    }

    pub(super) fn has(&self, role: Role) -> bool {
        self.at_work.contains(&role)
    }

    /// Whether all of this role ended in time.
    pub(super) fn await_end_of(&mut self, role: Role, deadline: Instant) -> bool {
        while self.has(role) {
            if self.await_end_of_one(role, deadline).is_none() {
                return false;
            }
        }
        true
    }

    /// How the next of this role to end did so; `None` when none did in time.
    pub(super) fn await_end_of_one(&mut self, role: Role, deadline: Instant) -> Option<Result<(), Error>> {
        loop {
            let report = self.reports.recv_deadline(deadline).ok()?;
            let Some((ended, result)) = self.note(report) else { continue };
            match &result {
                Ok(()) | Err(Error::Taken { .. }) => {}
                Err(error) => log::warn!("while stopping: {error}"),
            }
            if ended == role {
                return Some(result);
            }
        }
    }

    /// Ends the session, which ends its threads; returns why it had ended before, if it had.
    pub(super) fn close(self, deadline: Instant) -> Option<Error> {
        self.session.close(deadline)
    }
}

/// Reports the end of a thread however it ends: by returning, by panicking, or by never having started.
struct EndReport {
    reporter: Sender<Report>,
    role: Role,
    result: Option<Result<(), Error>>,
}

impl Drop for EndReport {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err(Error::lost("a thread ended before its time")));
        // The shift may be over already, and then nobody asks.
        let _ = self.reporter.send(Report::Ended(self.role, result));
    }
}
