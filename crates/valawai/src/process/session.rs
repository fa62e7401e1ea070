//! One session: starts the tasks in order, waits for the first reason to end, and stops the tasks in order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use super::changes::Changes;
use super::consumer_groups::RunningGroups;
use super::restart;
use super::supervisor::{Role, Supervisor, TaskExit};
use super::tasks::Tasks;
use crate::broker::{Error, Session};
use crate::clock;
use crate::health::heartbeat;
use crate::shutdown::{self, Shutdown, ShutdownHandle};
use crate::threads;

/// How often to look for handlers that run for too long.
const SLOW_HANDLER_CHECK: Duration = heartbeat::PERIOD;

/// How a session ended.
pub(super) enum End {
    /// The shutdown was requested.
    Stopped {
        /// When the stop began.
        began: Instant,
    },
    /// The session was lost, and is to be reopened.
    Lost(Error),
    /// The settings name another broker, to which this session is open.
    Moved(Box<dyn Session>),
}

/// Runs `tasks` in `session` until the shutdown, until `changes` lead to another broker, or until the session is over.
pub(super) fn run(tasks: &mut Tasks, session: Box<dyn Session>, changes: &mut Changes, shutdown: &Shutdown) -> End {
    let status = Arc::clone(tasks.status());
    let mut running = RunningSession::new(tasks, session);
    let end = running.run(changes, shutdown);
    status.readiness.set_connected(false);
    match end {
        Ok(None) => {
            let began = clock::now();
            running.stop(began);
            End::Stopped { began }
        }
        Ok(Some(Destination { session, knows_registration })) => {
            running.leave(knows_registration, clock::now());
            End::Moved(session)
        }
        Err(error) => End::Lost(running.abandon(error)),
    }
}

/// The broker to which the component moves.
pub(super) struct Destination {
    pub(super) session: Box<dyn Session>,
    /// Whether the current registration is recorded there: it is the same broker, under another address or login.
    pub(super) knows_registration: bool,
}

/// Tasks that are stopped together.
pub(super) struct Group {
    /// `None` once they were stopped.
    handle: Option<ShutdownHandle>,
    pub(super) shutdown: Shutdown,
}

pub(super) struct RunningSession<'t> {
    pub(super) tasks: &'t mut Tasks,
    pub(super) supervisor: Supervisor,
    pub(super) consumers: RunningGroups,
    pub(super) publishers: Group,
    pub(super) registrar: Group,
    pub(super) log_writer: Group,
    pub(super) service: Group,
}

impl<'t> RunningSession<'t> {
    fn new(tasks: &'t mut Tasks, session: Box<dyn Session>) -> Self {
        Self {
            tasks,
            supervisor: Supervisor::new(session),
            consumers: RunningGroups::default(),
            publishers: Group::new(),
            registrar: Group::new(),
            log_writer: Group::new(),
            service: Group::new(),
        }
    }

    /// Returns when the shutdown is requested, or the component is to move to another broker. An error is the end of the session.
    fn run(&mut self, changes: &mut Changes, shutdown: &Shutdown) -> Result<Option<Destination>, Error> {
        self.tasks.operations.metrics.count_session();
        self.start_log_writer()?;
        self.start_consumers(&self.tasks.consumers.clone())?;
        self.start_publishers(shutdown)?;
        if !self.wait_for_consumers(shutdown)? {
            return Ok(None);
        }
        // Registered components receive messages at once, so the registrar starts last.
        self.start_registrar()?;
        self.start_service()?;
        self.tasks.status().readiness.set_connected(true);
        log::info!("connected; consuming");
        self.supervise(changes, shutdown)
    }

    fn supervise(&mut self, changes: &mut Changes, shutdown: &Shutdown) -> Result<Option<Destination>, Error> {
        // They may name another broker than the one that could be reached.
        changes.connect_if_moved(self.tasks);
        let mut registrar_retry = crossbeam_channel::never();
        let mut service_retry = crossbeam_channel::never();
        let slow_handler_check = clock::tick(SLOW_HANDLER_CHECK);
        loop {
            let connected = changes.connected();
            threads::before_select(|| {
                shutdown.is_requested()
                    || !changes.receiver().is_empty()
                    || !connected.is_empty()
                    || !self.supervisor.reports().is_empty()
                    || [&slow_handler_check, &registrar_retry, &service_retry].iter().any(|timer| !timer.is_empty())
            });
            select! {
                recv(shutdown.requested()) -> _ => return Ok(None),
                recv(slow_handler_check) -> _ => {
                    self.tasks.status().heartbeat.beat();
                    self.tasks.warn_of_slow_handlers();
                }
                recv(registrar_retry) -> _ => {
                    registrar_retry = crossbeam_channel::never();
                    self.start_registrar()?;
                }
                recv(service_retry) -> _ => {
                    service_retry = crossbeam_channel::never();
                    self.start_service()?;
                }
                recv(changes.receiver()) -> change => {
                    changes.apply(change, self.tasks);
                    changes.connect_if_moved(self.tasks);
                    self.replace_consumers()?;
                }
                recv(connected) -> connected => {
                    if let Some(destination) = changes.destination(connected, self.tasks) {
                        return Ok(Some(destination));
                    }
                }
                recv(self.supervisor.reports()) -> report => {
                    match report.ok().and_then(|report| self.supervisor.note(report)) {
                        Some(TaskExit { role: Role::Service, result, .. }) => {
                            service_retry = restart::after_service(result, self.tasks.service.as_ref());
                        }
                        Some(TaskExit { role: Role::Consumer, name, result: Ok(()) }) if self.consumers.thread_ended(&name) => {
                            self.replace_consumers()?;
                        }
                        Some(exit) => registrar_retry = restart::after(exit)?,
                        None => {}
                    }
                }
            }
        }
    }

    /// Ends a session that is over, and returns the most specific reason.
    fn abandon(mut self, error: Error) -> Error {
        self.consumers.stop();
        let groups = [&mut self.publishers, &mut self.registrar, &mut self.log_writer, &mut self.service];
        groups.into_iter().for_each(Group::stop);
        let cause = self.supervisor.close(clock::now());
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

    pub(super) fn stop(&mut self) {
        self.handle = None;
    }
}
