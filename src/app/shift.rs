//! One session of the crew: started in the order of the work, and stopped in the order of leaving.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};

use super::crew::Crew;
use crate::broker::backoff::Backoff;
use crate::broker::{Error, Link, Session, Stop};

/// How soon a process that was not alone tries again to become the registrar, at the latest.
const REGISTRAR_RETRY: Duration = Duration::from_millis(500);

/// The same where the broker refuses the registrar its queue, as it does while that queue's node is down.
const REFUSED_RETRY: Duration = Duration::from_secs(5);

/// What each part of leaving may take of the whole grace; the rest is for closing.
const TO_FINISH: f64 = 0.6;
const TO_UNREGISTER: f64 = 0.8;
const TO_LOG: f64 = 0.85;

/// Lets `crew` work in `session` until `stop`, or until the session is over.
pub(super) fn serve(crew: &Crew, session: Box<dyn Session>, stop: &Stop) -> End {
    let mut shift = Shift::new(crew, session);
    match shift.work(stop) {
        Ok(()) => {
            shift.leave(Instant::now());
            End::Stopped
        }
        Err(error) => End::Lost(shift.give_up(error)),
    }
}

/// How a session ended.
pub(super) enum End {
    Stopped,
    Lost(Error),
}

/// What a thread reports.
enum Report {
    /// It hears all that it should.
    Ready,
    /// It is done, or its session is over.
    Ended(Role, Result<(), Error>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Worker,
    Registrar,
    Writer,
}

/// Calls a group of threads to stop, by being dropped.
struct Call {
    _caller: Sender<Infallible>,
    stop: Stop,
}

impl Call {
    fn new() -> Self {
        let (caller, stop) = crossbeam_channel::bounded(0);
        Self { _caller: caller, stop }
    }
}

/// The crew in one session.
struct Shift<'c> {
    crew: &'c Crew,
    session: Box<dyn Session>,
    reporter: Sender<Report>,
    reports: Receiver<Report>,
    hearing: Option<Call>,
    registering: Option<Call>,
    logging: Option<Call>,
    at_work: Vec<Role>,
}

impl<'c> Shift<'c> {
    fn new(crew: &'c Crew, session: Box<dyn Session>) -> Self {
        let (reporter, reports) = crossbeam_channel::unbounded();
        let call = || Some(Call::new());
        let (hearing, registering, logging) = (call(), call(), call());
        Self { crew, session, reporter, reports, hearing, registering, logging, at_work: Vec::new() }
    }

    /// Returns when it was called to stop; an error is the end of the session.
    fn work(&mut self, stop: &Stop) -> Result<(), Error> {
        self.start_writer()?;
        self.start_workers()?;
        if !self.await_workers(stop)? {
            return Ok(());
        }
        // Only now: as soon as we are registered, messages come.
        self.start_registrar()?;
        log::info!("connected, and at work");
        let mut registrar_retry = crossbeam_channel::never();
        loop {
            select! {
                recv(stop) -> _ => return Ok(()),
                recv(registrar_retry) -> _ => {
                    registrar_retry = crossbeam_channel::never();
                    self.start_registrar()?;
                }
                recv(self.reports) -> report => match report {
                    Ok(Report::Ended(Role::Registrar, Err(Error::Taken { queue }))) => {
                        self.ended(Role::Registrar);
                        log::debug!("another process hears {queue}, and registers the component");
                        registrar_retry = crossbeam_channel::after(Backoff::new(REGISTRAR_RETRY, REGISTRAR_RETRY).pause());
                    }
                    // What is no use to the MOV may still be of use to others: the work goes on.
                    Ok(Report::Ended(Role::Registrar, Err(error @ Error::Denied { .. }))) => {
                        self.ended(Role::Registrar);
                        log::warn!("{error}; the component works on, and tries again to register in {REFUSED_RETRY:?}");
                        registrar_retry = crossbeam_channel::after(REFUSED_RETRY);
                    }
                    Ok(Report::Ended(role, result)) => {
                        self.ended(role);
                        return Err(result.err().unwrap_or_else(|| Error::lost("a thread ended")));
                    }
                    Ok(Report::Ready) | Err(_) => {}
                },
            }
        }
    }

    fn start_writer(&mut self) -> Result<(), Error> {
        let writer = self.crew.writer.clone();
        let stop = stop_of(self.logging.as_ref());
        self.start("mov-log", Role::Writer, move |link, _| writer.run(link, &stop))
    }

    fn start_workers(&mut self) -> Result<(), Error> {
        for (name, worker) in self.crew.workers.clone() {
            let stop = stop_of(self.hearing.as_ref());
            self.start(&name, Role::Worker, move |link, ready| worker.run(link, &stop, ready))?;
        }
        for (number, speaker) in self.crew.speakers.clone().into_iter().enumerate() {
            let stop = stop_of(self.hearing.as_ref());
            let name = format!("speaker-{number}");
            self.start(&name, Role::Worker, move |link, _| speaker.run(link, &stop))?;
        }
        Ok(())
    }

    /// Waits until every worker hears its queues; `false` when it was called to stop before.
    fn await_workers(&mut self, stop: &Stop) -> Result<bool, Error> {
        for _ in 0..self.crew.workers.len() {
            select! {
                recv(stop) -> _ => return Ok(false),
                recv(self.reports) -> report => if let Ok(Report::Ended(role, result)) = report {
                    self.ended(role);
                    return Err(result.err().unwrap_or_else(|| Error::lost("a thread ended")));
                },
            }
        }
        Ok(true)
    }

    fn start_registrar(&mut self) -> Result<(), Error> {
        let registration = Arc::clone(&self.crew.registration);
        let stop = stop_of(self.registering.as_ref());
        self.start("registrar", Role::Registrar, move |link, _| {
            registration.lock().unwrap_or_else(PoisonError::into_inner).run(link, &stop)
        })
    }

    /// Starts a thread that does `work` with a link of its own, and reports how it went.
    fn start(
        &mut self,
        name: &str,
        role: Role,
        work: impl FnOnce(&mut dyn Link, &mut dyn FnMut()) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let report = EndReport { reporter: self.reporter.clone(), role, result: None };
        self.at_work.push(role);
        self.session.spawn(
            name,
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

    fn ended(&mut self, role: Role) {
        if let Some(place) = self.at_work.iter().position(|other| *other == role) {
            self.at_work.swap_remove(place);
        }
    }

    /// Leaves in order: hear no more and finish what is in hand, unregister, send the last log messages, close.
    fn leave(mut self, began: Instant) {
        log::info!("stopping");
        let by = |part: f64| began + self.crew.grace.mul_f64(part);
        self.hearing = None;
        if !self.await_end_of(Role::Worker, by(TO_FINISH)) {
            log::warn!("what is in hand could not be finished in time; it is heard again by the next process");
        }
        if !self.unregister(by(TO_UNREGISTER)) {
            log::warn!("the broker did not confirm in time that the component is unregistered");
        }
        self.logging = None;
        self.await_end_of(Role::Writer, by(TO_LOG));
        // Whatever is wrong with the session now, it is over.
        let _ = self.session.close(by(TO_LOG));
    }

    /// Lets the registrar leave. A process that was not the registrar may be the last one now, and then it has to become it.
    fn unregister(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.at_work.contains(&Role::Registrar) {
                self.registering.get_or_insert_with(Call::new);
                if self.start_registrar().is_err() {
                    return false;
                }
            }
            self.registering = None;
            match self.await_report_of(Role::Registrar, deadline) {
                // Another one that stops had the lock in this moment.
                Some(Err(Error::Taken { .. })) => {}
                Some(result) => return result.is_ok(),
                None => return false,
            }
        }
    }

    fn await_end_of(&mut self, role: Role, deadline: Instant) -> bool {
        while self.at_work.contains(&role) {
            if self.await_report_of(role, deadline).is_none() {
                return false;
            }
        }
        true
    }

    /// How the next of this role to end did so; `None` when none did in time.
    fn await_report_of(&mut self, role: Role, deadline: Instant) -> Option<Result<(), Error>> {
        loop {
            let Report::Ended(ended, result) = self.reports.recv_deadline(deadline).ok()? else { continue };
            self.ended(ended);
            match &result {
                Ok(()) | Err(Error::Taken { .. }) => {}
                Err(error) => log::warn!("while stopping: {error}"),
            }
            if ended == role {
                return Some(result);
            }
        }
    }

    /// Ends a session that is over, and returns the best reason there is.
    fn give_up(mut self, error: Error) -> Error {
        (self.hearing, self.registering, self.logging) = (None, None, None);
        let cause = self.session.close(Instant::now());
        match (error, cause) {
            (Error::Lost { .. }, Some(cause)) => cause,
            (error, _) => error,
        }
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

fn stop_of(call: Option<&Call>) -> Stop {
    call.expect("nobody starts to work while leaving").stop.clone()
}
