//! The threads of one session: starts them, and learns how they ended.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};

use crate::broker::{ConsumeOn, Error, Link, Publish, Session};
use crate::threads;

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Consumer,
    Publisher,
    Registrar,
    LogWriter,
    Service,
}

/// What a thread reports.
pub(super) enum Report {
    /// It consumes all its queues.
    Ready,
    /// It ended.
    Exited(TaskExit),
}

/// How a thread ended.
pub(super) struct TaskExit {
    pub(super) role: Role,
    /// The name of the thread.
    pub(super) name: String,
    pub(super) result: Result<(), Error>,
}

pub(super) struct Supervisor {
    session: Box<dyn Session>,
    reporter: Sender<Report>,
    reports: Receiver<Report>,
    /// One entry for each thread that runs.
    running: Vec<Role>,
}

impl Supervisor {
    pub(super) fn new(session: Box<dyn Session>) -> Self {
        let (reporter, reports) = crossbeam_channel::unbounded();
        Self { session, reporter, reports, running: Vec::new() }
    }

    /// Starts a thread that runs `task` with a link of its own. The task calls its second argument when it is ready.
    pub(super) fn start(
        &mut self,
        name: &str,
        role: Role,
        consume_on: ConsumeOn,
        task: impl FnOnce(&mut dyn Link, &mut dyn FnMut()) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let exit = self.exit_report(name, role);
        let reporter = self.reporter.clone();
        let job = move |link: Result<&mut dyn Link, Error>| {
            // Nobody receives it if the session is over.
            let mut ready = || drop(reporter.send(Report::Ready));
            exit.report(link.and_then(|link| task(link, &mut ready)));
        };
        self.session.spawn(name, consume_on, Box::new(job))
    }

    /// Starts a thread that runs `task`, which publishes without confirms.
    pub(super) fn start_unconfirmed(
        &mut self,
        name: &str,
        role: Role,
        task: impl FnOnce(&mut dyn Publish) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let exit = self.exit_report(name, role);
        let job = move |publisher: Result<&mut dyn Publish, Error>| exit.report(publisher.and_then(task));
        self.session.spawn_unconfirmed(name, Box::new(job))
    }

    /// The reports, to wait for. Each goes to [`Self::note`].
    pub(super) fn reports(&self) -> &Receiver<Report> {
        &self.reports
    }

    /// Takes note of a report, and returns the exit if it is one.
    pub(super) fn note(&mut self, report: Report) -> Option<TaskExit> {
        let Report::Exited(exit) = report else { return None };
        if let Some(index) = self.running.iter().position(|role| *role == exit.role) {
            self.running.swap_remove(index);
        }
        Some(exit)
    }

    pub(super) fn runs(&self, role: Role) -> bool {
        self.running.contains(&role)
    }

    /// Waits until all threads of this role have ended, and returns whether they did before `deadline`.
    pub(super) fn join_all(&mut self, role: Role, deadline: Instant) -> bool {
        while self.runs(role) {
            if self.join_next(role, deadline).is_none() {
                return false;
            }
        }
        true
    }

    /// Waits for the next thread of this role to end, and returns its result; `None` if none ends before `deadline`.
    pub(super) fn join_next(&mut self, role: Role, deadline: Instant) -> Option<Result<(), Error>> {
        loop {
            let report = threads::receive_until(&self.reports, deadline).ok()?;
            let Some(exit) = self.note(report) else { continue };
            match &exit.result {
                Ok(()) | Err(Error::LockHeld { .. }) => {}
                Err(error) => log::warn!("while stopping: {error}"),
            }
            if exit.role == role {
                return Some(exit.result);
            }
        }
    }

    /// Closes the session, which ends its threads. Returns what had broken it, if anything had.
    pub(super) fn close(self, deadline: Instant) -> Option<Error> {
        self.session.close(deadline)
    }

    fn exit_report(&mut self, name: &str, role: Role) -> ExitReport {
        self.running.push(role);
        ExitReport { reporter: self.reporter.clone(), role, name: name.to_owned(), result: None }
    }
}

/// Reports the end of a thread when it is dropped: whether the thread returned, panicked, or never started.
struct ExitReport {
    reporter: Sender<Report>,
    role: Role,
    name: String,
    result: Option<Result<(), Error>>,
}

impl ExitReport {
    fn report(mut self, result: Result<(), Error>) {
        self.result = Some(result);
    }
}

impl Drop for ExitReport {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err(Error::lost("a thread panicked or could not start")));
        // Nobody receives it if the session is over.
        let _ = self.reporter.send(Report::Exited(TaskExit {
            role: self.role,
            name: std::mem::take(&mut self.name),
            result,
        }));
    }
}
