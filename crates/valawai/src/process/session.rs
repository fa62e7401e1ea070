//! One session: starts the tasks in order, waits for the first reason to end, and stops the tasks in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use super::restart;
use super::supervisor::{Role, Supervisor, TaskExit};
use super::tasks::Tasks;
use crate::broker::{ConsumeOn, Error, Link, Publish, Session};
use crate::publisher;
use crate::shutdown::{self, Shutdown, ShutdownHandle};

/// How often to look for handlers that run for too long.
const SLOW_HANDLER_CHECK: Duration = Duration::from_secs(5);

/// How long a source may take to return that waited for confirms until the end.
const SOURCE_RELEASE: Duration = Duration::from_millis(100);

/// The deadlines of a stop, as parts of the grace period. The rest is for the end of the process.
const DRAINED_BY: f64 = 0.6;
const UNREGISTERED_BY: f64 = 0.8;
const LOGGED_BY: f64 = 0.85;
const CLOSED_BY: f64 = 0.95;

/// How a session ended.
pub(super) enum End {
    /// The shutdown was requested.
    Stopped {
        /// When the stop began.
        began: Instant,
    },
    /// The session was lost, and is to be reopened.
    Lost(Error),
}

/// Runs `tasks` in `session` until the shutdown, or until the session is over.
pub(super) fn run(tasks: &Tasks, session: Box<dyn Session>, shutdown: &Shutdown) -> End {
    let mut running = RunningSession::new(tasks, session);
    match running.run(shutdown) {
        Ok(()) => {
            let began = Instant::now();
            running.stop(began);
            End::Stopped { began }
        }
        Err(error) => End::Lost(running.abandon(error)),
    }
}

/// Tasks that are stopped together.
struct Group {
    /// `None` once they were stopped.
    handle: Option<ShutdownHandle>,
    shutdown: Shutdown,
}

struct RunningSession<'t> {
    tasks: &'t Tasks,
    supervisor: Supervisor,
    /// Consumers and publishers of sources.
    workers: Group,
    registrar: Group,
    log_writer: Group,
    service: Group,
}

impl<'t> RunningSession<'t> {
    fn new(tasks: &'t Tasks, session: Box<dyn Session>) -> Self {
        Self {
            tasks,
            supervisor: Supervisor::new(session),
            workers: Group::new(),
            registrar: Group::new(),
            log_writer: Group::new(),
            service: Group::new(),
        }
    }

    /// Returns when the shutdown is requested. An error is the end of the session.
    fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        self.tasks.operations.metrics.count_session();
        self.start_log_writer()?;
        self.start_consumers()?;
        self.start_publishers(shutdown)?;
        if !self.wait_for_consumers(shutdown)? {
            return Ok(());
        }
        // Registered components receive messages at once, so the registrar starts last.
        self.start_registrar()?;
        self.start_service()?;
        log::info!("connected; consuming");
        self.supervise(shutdown)
    }

    fn supervise(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut registrar_retry = crossbeam_channel::never();
        let mut service_retry = crossbeam_channel::never();
        let slow_handler_check = crossbeam_channel::tick(SLOW_HANDLER_CHECK);
        loop {
            select! {
                recv(shutdown.requested()) -> _ => return Ok(()),
                recv(slow_handler_check) -> _ => self.tasks.warn_of_slow_handlers(),
                recv(registrar_retry) -> _ => {
                    registrar_retry = crossbeam_channel::never();
                    self.start_registrar()?;
                }
                recv(service_retry) -> _ => {
                    service_retry = crossbeam_channel::never();
                    self.start_service()?;
                }
                recv(self.supervisor.reports()) -> report => {
                    match report.ok().and_then(|report| self.supervisor.note(report)) {
                        Some(TaskExit { role: Role::Service, result }) => service_retry = restart::after_service(result, self.tasks.service.as_ref()),
                        Some(exit) => registrar_retry = restart::after(exit)?,
                        None => {}
                    }
                }
            }
        }
    }

    fn start_log_writer(&mut self) -> Result<(), Error> {
        let (writer, shutdown) = (self.tasks.log_writer.clone(), self.log_writer.shutdown.clone());
        let task = move |publisher: &mut dyn Publish| writer.run(publisher, &shutdown);
        self.supervisor.start_unconfirmed("mov-log", Role::LogWriter, task)
    }

    fn start_consumers(&mut self) -> Result<(), Error> {
        for (name, consumer) in self.tasks.consumers.clone() {
            let (shutdown, consume_on) = (self.workers.shutdown.clone(), consumer.consume_on());
            let task = move |link: &mut dyn Link, ready: &mut dyn FnMut()| consumer.run(link, &shutdown, ready);
            self.supervisor.start(&name, Role::Consumer, consume_on, task)?;
        }
        Ok(())
    }

    /// Starts the publishers of the sources, and the sources themselves unless they are running. These stop at `shutdown`, not
    /// with the session.
    fn start_publishers(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        for (number, publisher) in self.tasks.publishers.clone().into_iter().enumerate() {
            publisher.start_source(shutdown)?;
            let (shutdown, name) = (self.workers.shutdown.clone(), format!("publisher-{number}"));
            let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| publisher.run(link, &shutdown);
            self.supervisor.start(&name, Role::Publisher, ConsumeOn::Shared, task)?;
        }
        Ok(())
    }

    /// Waits until all consumers consume. Returns false if the shutdown is requested before.
    fn wait_for_consumers(&mut self, shutdown: &Shutdown) -> Result<bool, Error> {
        for _ in 0..self.tasks.consumers.len() {
            select! {
                recv(shutdown.requested()) -> _ => return Ok(false),
                recv(self.supervisor.reports()) -> report => {
                    if let Some(exit) = report.ok().and_then(|report| self.supervisor.note(report)) {
                        return Err(restart::reason_of(exit.result));
                    }
                }
            }
        }
        Ok(true)
    }

    fn start_registrar(&mut self) -> Result<(), Error> {
        let (registration, shutdown) = (Arc::clone(&self.tasks.registration), self.registrar.shutdown.clone());
        let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| registration.lock().run(link, &shutdown);
        self.supervisor.start("registrar", Role::Registrar, ConsumeOn::Shared, task)
    }

    fn start_service(&mut self) -> Result<(), Error> {
        let Some(service) = self.tasks.service.clone() else { return Ok(()) };
        let shutdown = self.service.shutdown.clone();
        let task = move |link: &mut dyn Link, _: &mut dyn FnMut()| service.run(link, &shutdown);
        self.supervisor.start("service", Role::Service, ConsumeOn::Shared, task)
    }

    /// Stops in order: consume no more and finish what is in flight, unregister, publish the last log entries, close.
    fn stop(mut self, began: Instant) {
        log::info!("stopping");
        let by = |part: f64| began + self.tasks.grace.mul_f64(part);
        self.workers.stop();
        self.tasks.routes.lock().stop_consumers();
        self.service.stop();
        self.tasks.registrar_role.lose();
        if !self.supervisor.join_all(Role::Consumer, by(DRAINED_BY)) {
            log::warn!("not all messages in flight were finished in time; the broker delivers them again");
        }
        self.supervisor.join_all(Role::Publisher, by(DRAINED_BY));
        publisher::close(&self.tasks.publishers, Instant::now() + SOURCE_RELEASE);
        if !self.unregister(by(UNREGISTERED_BY)) {
            log::warn!("the broker did not confirm in time that the component is unregistered");
        }
        self.log_writer.stop();
        self.supervisor.join_all(Role::LogWriter, by(LOGGED_BY));
        // Nothing depends on the session any more, so its errors do not matter.
        let _ = self.supervisor.close(by(CLOSED_BY));
    }

    /// Lets the registrar unregister the component. A process that was not the registrar may be the last one now; then it has to
    /// become it. Returns whether that succeeded.
    fn unregister(&mut self, deadline: Instant) -> bool {
        loop {
            if !self.supervisor.runs(Role::Registrar) && self.start_registrar().is_err() {
                return false;
            }
            self.registrar.stop();
            match self.supervisor.join_next(Role::Registrar, deadline) {
                // Another process that is stopping held the lock at this moment.
                Some(Err(Error::LockHeld { .. })) => {}
                Some(result) => return result.is_ok(),
                None => return false,
            }
        }
    }

    /// Ends a session that is over, and returns the most specific reason.
    fn abandon(mut self, error: Error) -> Error {
        [&mut self.workers, &mut self.registrar, &mut self.log_writer, &mut self.service]
            .into_iter()
            .for_each(Group::stop);
        let cause = self.supervisor.close(Instant::now());
        match (error, cause) {
            (Error::Lost { .. }, Some(cause)) => cause,
            (error, _) => error,
        }
    }
}

impl Group {
    fn new() -> Self {
        let (handle, shutdown) = shutdown::channel();
        Self { handle: Some(handle), shutdown }
    }

    fn stop(&mut self) {
        self.handle = None;
    }
}
