//! Opens one session after another.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::select;

use super::changes::Changes;
use super::session::{self, End};
use super::tasks::Tasks;
use crate::broker::amqp;
use crate::broker::backoff::Backoff;
use crate::broker::{Error, Session};
use crate::clock;
use crate::component::ResolvedComponent;
use crate::configuration::Configuration;
use crate::health::heartbeat;
use crate::mov::identity::Identity;
use crate::publisher::{self, SOURCE_LIMIT};
use crate::shutdown::Shutdown;
use crate::telemetry::Observed;
use crate::threads;

/// The pauses between the attempts to reconnect.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// After a session that lasted so long, the pauses start again with the first.
const STABLE_SESSION: Duration = Duration::from_secs(10);

/// The deadline of the end of the routes, as a part of the grace period.
const ROUTES_STOPPED_BY: f64 = 0.97;

/// Opens a session with a broker. The number counts the attempts.
pub type Connect = Arc<dyn Fn(&amqp::Options, u64) -> Result<Box<dyn Session>, Error> + Send + Sync>;

/// A component, ready to run.
pub struct App {
    connect: Connect,
    attempts: u64,
    first_attempts: u32,
    retry_sleep: Duration,
    tasks: Tasks,
    changes: Changes,
    backoff: Backoff,
}

/// Why a wait between two attempts to connect ended.
enum Waited {
    Elapsed,
    ShutdownRequested,
}

impl App {
    /// The app of `component` with the settings of `configuration`, as they change, on the broker to which `connect` connects.
    #[must_use]
    pub fn new(component: &ResolvedComponent, configuration: &Configuration, connect: Connect) -> Self {
        let settings = configuration.settings();
        Self {
            changes: Changes::new(configuration.changes(), Arc::clone(&connect), settings.broker.clone()),
            attempts: 0,
            first_attempts: settings.first_attempts,
            retry_sleep: settings.retry_sleep,
            tasks: Tasks::new(component, configuration, Identity::default(), Arc::clone(&connect)),
            connect,
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        }
    }

    /// What is shown of the process while it runs, until the shutdown.
    #[must_use]
    pub fn observed(&self, shutdown: &Shutdown) -> Observed {
        self.tasks.observed(shutdown)
    }

    /// Runs the component until the shutdown. Lost connections are retried indefinitely.
    ///
    /// # Errors
    /// If none of the first attempts reaches the broker; their number is a setting.
    pub fn run(mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut next = self.connect_first(shutdown)?;
        if next.is_some() {
            self.tasks.start_routes()?;
        }
        let mut stop_began = None;
        while let Some(session) = next {
            let began = clock::now();
            next = match session::run(&mut self.tasks, session, &mut self.changes, shutdown) {
                End::Stopped { began } => {
                    stop_began = Some(began);
                    break;
                }
                End::Moved(session) => {
                    log::info!("continuing on another broker");
                    Some(session)
                }
                End::Lost(error) => {
                    log::error!("{error}; reconnecting");
                    if clock::since(began) >= STABLE_SESSION {
                        self.backoff.reset();
                    }
                    self.reconnect(shutdown)
                }
            };
        }
        // The sources outlive sessions: after a shutdown while the broker is away, they still run.
        publisher::close(&self.tasks.publishers, clock::now() + SOURCE_LIMIT);
        let deadline = stop_began.unwrap_or_else(clock::now) + self.tasks.grace.mul_f64(ROUTES_STOPPED_BY);
        threads::lock(&self.tasks.routes).stop(deadline);
        self.tasks.clear_health();
        log::info!("stopped");
        Ok(())
    }

    /// `None` if the shutdown was requested.
    fn connect_first(&mut self, shutdown: &Shutdown) -> Result<Option<Box<dyn Session>>, Error> {
        for left in (0..self.first_attempts).rev() {
            match self.try_to_connect(shutdown) {
                None => return Ok(None),
                Some(Ok(session)) => return Ok(Some(session)),
                Some(Err(error)) if left == 0 => return Err(error),
                Some(Err(error)) => {
                    log::warn!("{error}; retrying in {:?}, {left} attempts left", self.retry_sleep);
                }
            }
            if let Waited::ShutdownRequested = self.wait(self.retry_sleep, shutdown) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// `None` if the shutdown was requested.
    fn reconnect(&mut self, shutdown: &Shutdown) -> Option<Box<dyn Session>> {
        loop {
            let pause = self.backoff.pause();
            if let Waited::ShutdownRequested = self.wait(pause, shutdown) {
                return None;
            }
            match self.try_to_connect(shutdown)? {
                Ok(session) => return Some(session),
                Err(error) => log::warn!("{error}; retrying"),
            }
        }
    }

    /// Waits for `time`, and applies the changes that arrive meanwhile.
    fn wait(&mut self, time: Duration, shutdown: &Shutdown) -> Waited {
        let (elapsed, heartbeat) = (clock::after(time), clock::tick(heartbeat::PERIOD));
        loop {
            self.tasks.status().heartbeat.beat();
            threads::before_select(|| {
                let changes = self.changes.receiver();
                shutdown.is_requested() || !heartbeat.is_empty() || !elapsed.is_empty() || !changes.is_empty()
            });
            select! {
                recv(heartbeat) -> _ => {}
                recv(shutdown.requested()) -> _ => return Waited::ShutdownRequested,
                recv(elapsed) -> _ => return Waited::Elapsed,
                recv(self.changes.receiver()) -> change => self.changes.apply(change, &mut self.tasks),
            }
        }
    }

    /// Connects on a thread of its own, because name resolution and handshakes cannot be interrupted. `None` if the shutdown was
    /// requested; the thread then ends with the process.
    fn try_to_connect(&mut self, shutdown: &Shutdown) -> Option<Result<Box<dyn Session>, Error>> {
        self.attempts += 1;
        let (sender, result) = crossbeam_channel::bounded(1);
        let (connect, attempt) = (Arc::clone(&self.connect), self.attempts);
        let broker = self.changes.broker(attempt).clone();
        let target = broker.clone();
        let spawned = threads::spawn("connect", move || {
            // After a shutdown nobody receives it.
            let _ = sender.send(connect(&target, attempt));
        });
        if let Err(error) = spawned {
            return Some(Err(Error::lost(error)));
        }
        let heartbeat = clock::tick(heartbeat::PERIOD);
        let connected = loop {
            self.tasks.status().heartbeat.beat();
            threads::before_select(|| shutdown.is_requested() || !heartbeat.is_empty() || !result.is_empty());
            select! {
                recv(heartbeat) -> _ => {}
                recv(result) -> session => break session.unwrap_or_else(|_| Err(Error::lost("connecting panicked"))),
                recv(shutdown.requested()) -> _ => return None,
            }
        };
        if connected.is_ok() {
            self.changes.is_at(&broker);
        }
        Some(connected)
    }
}
