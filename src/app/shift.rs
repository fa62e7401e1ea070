//! One session of the crew: started in the order of the work, and stopped in the order of leaving.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use super::crew::Crew;
use super::threads::{Call, Role, Threads};
use crate::broker::backoff::Backoff;
use crate::broker::{ConsumeOn, Error, Session, Stop};

/// How soon a process that was not alone tries again to become the registrar, at the latest.
const REGISTRAR_RETRY: Duration = Duration::from_millis(500);

/// The same where the broker refuses the registrar its queue, as it does while that queue's node is down.
const REFUSED_RETRY: Duration = Duration::from_secs(5);

/// How often it is looked whether a handler runs for too long.
const LOOK_AT_HANDLERS: Duration = Duration::from_secs(5);

/// What each part of leaving may take of the whole grace; the rest is for closing.
const TO_FINISH: f64 = 0.6;
const TO_UNREGISTER: f64 = 0.8;
const TO_LOG: f64 = 0.85;
const TO_CLOSE: f64 = 0.95;

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

/// The crew in one session.
struct Shift<'c> {
    crew: &'c Crew,
    threads: Threads,
    hearing: Option<Call>,
    registering: Option<Call>,
    logging: Option<Call>,
}

impl<'c> Shift<'c> {
    fn new(crew: &'c Crew, session: Box<dyn Session>) -> Self {
        let call = || Some(Call::new());
        let (hearing, registering, logging) = (call(), call(), call());
        Self { crew, threads: Threads::new(session), hearing, registering, logging }
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
        let look_at_handlers = crossbeam_channel::tick(LOOK_AT_HANDLERS);
        loop {
            select! {
                recv(stop) -> _ => return Ok(()),
                recv(look_at_handlers) -> _ => self.crew.workers.iter().for_each(|(_, worker)| worker.warn_of_slow_handlers()),
                recv(registrar_retry) -> _ => {
                    registrar_retry = crossbeam_channel::never();
                    self.start_registrar()?;
                }
                recv(self.threads.reports()) -> report => match report.ok().and_then(|report| self.threads.note(report)) {
                    None => {}
                    Some((Role::Registrar, Err(Error::Taken { queue }))) => {
                        log::debug!("another process hears {queue}, and registers the component");
                        registrar_retry = crossbeam_channel::after(Backoff::new(REGISTRAR_RETRY, REGISTRAR_RETRY).pause());
                    }
                    // What is no use to the MOV may still be of use to others: the work goes on.
                    Some((Role::Registrar, Err(error @ Error::Denied { .. }))) => {
                        log::warn!("{error}; the component works on, and tries again to register in {REFUSED_RETRY:?}");
                        registrar_retry = crossbeam_channel::after(REFUSED_RETRY);
                    }
                    Some((_, result)) => return Err(reason_of(result)),
                },
            }
        }
    }

    fn start_writer(&mut self) -> Result<(), Error> {
        let writer = self.crew.writer.clone();
        let stop = Call::stop(self.logging.as_ref());
        self.threads.start("mov-log", Role::Writer, ConsumeOn::Shared, move |link, _| writer.run(link, &stop))
    }

    fn start_workers(&mut self) -> Result<(), Error> {
        for (name, worker) in self.crew.workers.clone() {
            let stop = Call::stop(self.hearing.as_ref());
            let own = worker.consumes_on();
            self.threads.start(&name, Role::Worker, own, move |link, ready| worker.run(link, &stop, ready))?;
        }
        for (number, speaker) in self.crew.speakers.clone().into_iter().enumerate() {
            let stop = Call::stop(self.hearing.as_ref());
            let name = format!("speaker-{number}");
            self.threads.start(&name, Role::Speaker, ConsumeOn::Shared, move |link, _| speaker.run(link, &stop))?;
        }
        Ok(())
    }

    /// Waits until every worker hears its queues; `false` when it was called to stop before.
    fn await_workers(&mut self, stop: &Stop) -> Result<bool, Error> {
        for _ in 0..self.crew.workers.len() {
            select! {
                recv(stop) -> _ => return Ok(false),
                recv(self.threads.reports()) -> report => {
                    if let Some((_, result)) = report.ok().and_then(|report| self.threads.note(report)) {
                        return Err(reason_of(result));
                    }
                }
            }
        }
        Ok(true)
    }

    fn start_registrar(&mut self) -> Result<(), Error> {
        let registration = Arc::clone(&self.crew.registration);
        let stop = Call::stop(self.registering.as_ref());
        self.threads.start("registrar", Role::Registrar, ConsumeOn::Shared, move |link, _| {
            registration.lock().unwrap_or_else(PoisonError::into_inner).run(link, &stop)
        })
    }

    /// Leaves in order: hear no more and finish what is in hand, unregister, send the last log messages, close.
    fn leave(mut self, began: Instant) {
        log::info!("stopping");
        let by = |part: f64| began + self.crew.grace.mul_f64(part);
        self.hearing = None;
        if !self.threads.await_end_of(Role::Worker, by(TO_FINISH)) {
            log::warn!("what is in hand could not be finished in time; it is heard again by the next process");
        }
        self.threads.await_end_of(Role::Speaker, by(TO_FINISH));
        for speaker in &self.crew.speakers {
            speaker.report_what_is_lost();
        }
        if !self.unregister(by(TO_UNREGISTER)) {
            log::warn!("the broker did not confirm in time that the component is unregistered");
        }
        self.logging = None;
        self.threads.await_end_of(Role::Writer, by(TO_LOG));
        // Whatever is wrong with the session now, it is over.
        let _ = self.threads.close(by(TO_CLOSE));
    }

    /// Lets the registrar leave. A process that was not the registrar may be the last one now, and then it has to become it.
    fn unregister(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.threads.has(Role::Registrar) {
                self.registering.get_or_insert_with(Call::new);
                if self.start_registrar().is_err() {
                    return false;
                }
            }
            self.registering = None;
            match self.threads.await_end_of_one(Role::Registrar, deadline) {
                // Another one that stops had the lock in this moment.
                Some(Err(Error::Taken { .. })) => {}
                Some(result) => return result.is_ok(),
                None => return false,
            }
        }
    }

    /// Ends a session that is over, and returns the best reason there is.
    fn give_up(mut self, error: Error) -> Error {
        (self.hearing, self.registering, self.logging) = (None, None, None);
        let cause = self.threads.close(Instant::now());
        match (error, cause) {
            (Error::Lost { .. }, Some(cause)) => cause,
            (error, _) => error,
        }
    }
}

/// Why a session is over when a thread ends before it is called to.
fn reason_of(end: Result<(), Error>) -> Error {
    end.err().unwrap_or_else(|| Error::lost("a thread ended"))
}
