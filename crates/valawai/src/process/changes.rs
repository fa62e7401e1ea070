//! Changes of the settings while the component runs, and the way to another broker.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, SendError, Sender};

use super::app::Connect;
use super::session::Destination;
use super::tasks::Tasks;
use crate::broker::amqp;
use crate::broker::backoff::Backoff;
use crate::broker::{ConsumeOn, Error, Link, Session};
use crate::configuration::{Change, Problem};
use crate::mov::component_info::ComponentInfo;
use crate::mov::log::Severity;
use crate::mov::registration;
use crate::name::Id;

/// The pauses between the attempts to connect to another broker.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long it may take to close a connection that is not wanted any more.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// How long another broker may take to tell whether it knows the registration.
const RECORD_LIMIT: Duration = Duration::from_secs(5);

/// What happens on the way to another broker.
type Connecting = Result<Destination, Error>;

/// The changes of the settings, and the connection to another broker that one of them leads to.
pub(super) struct Changes {
    receiver: Receiver<Change>,
    connect: Connect,
    /// The broker of the session.
    broker: amqp::Options,
    /// The broker that the settings name.
    wanted: amqp::Options,
    /// `None` unless the component is to move.
    connecting: Option<Receiver<Connecting>>,
    is_failure_reported: bool,
}

impl Changes {
    pub(super) fn new(receiver: Receiver<Change>, connect: Connect, broker: amqp::Options) -> Self {
        let wanted = broker.clone();
        Self { receiver, connect, broker, wanted, connecting: None, is_failure_reported: false }
    }

    /// The changes, to wait for. Each goes to [`Self::apply`].
    pub(super) fn receiver(&self) -> &Receiver<Change> {
        &self.receiver
    }

    /// What happens on the way to another broker, to wait for. It goes to [`Self::destination`].
    pub(super) fn connected(&self) -> Receiver<Connecting> {
        self.connecting.clone().unwrap_or_else(crossbeam_channel::never)
    }

    /// The broker to connect to while there is no session. If the settings name another one than that of the last session, they
    /// are tried in turn: the new one may be a mistake.
    pub(super) fn broker(&self, attempt: u64) -> &amqp::Options {
        if attempt.is_multiple_of(2) { &self.broker } else { &self.wanted }
    }

    /// Records that there is a session with `broker`.
    pub(super) fn is_at(&mut self, broker: &amqp::Options) {
        self.broker = broker.clone();
        self.connecting = None;
    }

    /// Applies a change, or reports why a setting stays as it is.
    pub(super) fn apply(&mut self, change: Result<Change, RecvError>, tasks: &mut Tasks) {
        match change {
            Ok(Change::Settings { settings, changed }) => {
                tasks.apply(&settings, &changed);
                if settings.broker != self.wanted {
                    self.wanted = settings.broker.clone();
                    self.connecting = None;
                }
            }
            Ok(Change::Problem(Problem { severity, text })) => tasks.report(severity, text),
            // There are no more.
            Err(RecvError) => self.receiver = crossbeam_channel::never(),
        }
    }

    /// Begins to connect to the broker that the settings name, if it is another one than that of the session.
    pub(super) fn connect_if_moved(&mut self, tasks: &Tasks) {
        if self.wanted == self.broker || self.connecting.is_some() {
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(0);
        let attempts = Attempts {
            connect: Arc::clone(&self.connect),
            broker: self.wanted.clone(),
            info: tasks.info().clone(),
            registered: tasks.registered_as(),
            sender,
        };
        log::info!("the settings name another broker; connecting to it");
        self.is_failure_reported = false;
        if let Err(error) = thread::Builder::new().name("connect".into()).spawn(move || attempts.run()) {
            log::error!("cannot start a thread to connect to the other broker: {error}");
        }
        self.connecting = Some(receiver);
    }

    /// The destination, once there is a connection. Until then the component stays where it is.
    pub(super) fn destination(
        &mut self,
        connecting: Result<Connecting, RecvError>,
        tasks: &Tasks,
    ) -> Option<Destination> {
        match connecting {
            Ok(Ok(destination)) => {
                self.connecting = None;
                self.broker = self.wanted.clone();
                Some(destination)
            }
            Ok(Err(error)) => {
                if !std::mem::replace(&mut self.is_failure_reported, true) {
                    tasks.report(Severity::Error, format!(
                        "RABBITMQ_…: the component stays with its broker, because {error}; trying again until the settings change"
                    ));
                }
                None
            }
            Err(RecvError) => {
                self.connecting = None;
                None
            }
        }
    }
}

/// Connects to another broker, again and again.
struct Attempts {
    connect: Connect,
    broker: amqp::Options,
    info: ComponentInfo,
    registered: Option<Id>,
    sender: Sender<Connecting>,
}

impl Attempts {
    /// Runs until there is a connection, or nobody waits for it any more.
    fn run(self) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        for attempt in 1.. {
            let connecting = (self.connect)(&self.broker, attempt).map(|session| self.destination(session));
            let is_connected = connecting.is_ok();
            match self.sender.send(connecting) {
                Ok(()) if is_connected => return,
                Ok(()) => {}
                // The settings have changed again.
                Err(SendError(Ok(unwanted))) => return drop(unwanted.session.close(Instant::now() + CLOSE_LIMIT)),
                Err(SendError(Err(_))) => return,
            }
            thread::sleep(backoff.pause());
        }
    }

    fn destination(&self, mut session: Box<dyn Session>) -> Destination {
        let (sender, recorded) = crossbeam_channel::bounded(1);
        let (info, registered) = (self.info.clone(), self.registered.clone());
        let job = move |link: Result<&mut dyn Link, Error>| {
            let is_recorded = link.and_then(|link| registration::is_recorded(link, &info, registered.as_ref()));
            // Nobody waits for it any more if it took too long.
            let _ = sender.send(is_recorded.unwrap_or(false));
        };
        let started = session.spawn("identity", ConsumeOn::Shared, Box::new(job));
        let knows_registration = started.is_ok() && recorded.recv_timeout(RECORD_LIMIT).unwrap_or(false);
        Destination { session, knows_registration }
    }
}
